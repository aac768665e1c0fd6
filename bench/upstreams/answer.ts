/** What every upstream answers, so that peers carry the same bytes whatever the protocol. */
export const smallBody = "0123456789abcdefghijklmnopqrstuvwxyz";
export const largeBodyBytes = 1024 * 1024;
export const largePath = "/1mb";

/** A method's path for HTTP/2's sake only: nghttpd tells the content type by the ending. */
export const grpcPath = "/bench.Echo/Say.grpc";

/** One gRPC message: not compressed, its length, a protobuf string in field 1. */
export function grpcMessage(): Uint8Array {
  const text = new TextEncoder().encode(smallBody);
  const length = text.length + 2;
  return Uint8Array.of(0, 0, 0, 0, length, 0x0a, text.length, ...text);
}
