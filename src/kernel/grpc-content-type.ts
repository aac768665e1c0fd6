/** Which bodies are gRPC's, told by `content-type` (gRPC's PROTOCOL-HTTP2.md, "Requests"). */

const grpcType = "application/grpc";

/** `application/grpc`, with a format (`+proto`) or parameters. Not gRPC-Web, whose bodies are framed otherwise. */
export function isGrpcContentType(value: string): boolean {
  return value === grpcType || restOf(value, grpcType) !== undefined;
}

/**
 * What follows `type`, a media type without its format: "", a format with its plus sign, or either with parameters.
 * Undefined where the value is of another type. Names of types have no case (RFC 9110 section 8.3.1).
 */
export function restOf(value: string, type: string): string | undefined {
  if (value.length < type.length || value.slice(0, type.length).toLowerCase() !== type) return undefined;
  const rest = value.slice(type.length);
  return /^(\+|[ \t]*(;|$))/.test(rest) ? rest : undefined;
}
