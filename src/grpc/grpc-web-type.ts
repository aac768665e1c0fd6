/** gRPC-Web's media types and gRPC's, each made of the other (gRPC's PROTOCOL-WEB.md). Bodies are text where a browser asks for it. */
import { restOf } from "../kernel/index.ts";

export type GrpcWebForm = "binary" | "text";

export interface GrpcWebType {
  readonly form: GrpcWebForm;
  /** The messages' format and parameters as they stood: "", "+proto", "+proto; a=b". */
  readonly rest: string;
}

const types: readonly (readonly [type: string, form: GrpcWebForm])[] = [
  ["application/grpc-web", "binary"],
  ["application/grpc-web-text", "text"],
  ["application/grpc-web-text-base64", "text"],
];

/** Undefined where the value is of another type. */
export function parseGrpcWebType(value: string): GrpcWebType | undefined {
  for (const [type, form] of types) {
    const rest = restOf(value, type);
    if (rest !== undefined) return { form, rest: rest.trimEnd() };
  }
  return undefined;
}

/** What the server is told that the request's body is. */
export function grpcTypeOfWeb(type: GrpcWebType): string {
  return `application/grpc${type.rest}`;
}

/** What the client is told that the response's body is. Undefined: the response is not gRPC's and passes as it came. */
export function webTypeOfGrpc(value: string, form: GrpcWebForm): string | undefined {
  const rest = restOf(value, "application/grpc");
  if (rest === undefined) return undefined;
  return `application/grpc-web${form === "text" ? "-text" : ""}${rest.trimEnd()}`;
}

/** The form that the client wants: what `accept` names first, else the request's own. */
export function grpcWebResponseForm(request: GrpcWebType, accept: string | undefined): GrpcWebForm {
  for (const range of accept?.split(",") ?? []) {
    const type = parseGrpcWebType(range.trim());
    if (type !== undefined) return type.form;
  }
  return request.form;
}
