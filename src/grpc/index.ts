export { grpcCodes, httpStatusToGrpc, isGrpcContentType } from "../kernel/index.ts";
export type { BidiStream } from "./bidi-stream.ts";
export type { CallContext } from "./call-context.ts";
export { type BidiHandlers, GrpcClient } from "./client.ts";
export { GrpcWebRequestDecoder } from "./grpc-web-request-decoder.ts";
export { GrpcWebResponseEncoder } from "./grpc-web-response-encoder.ts";
export {
  grpcTypeOfWeb,
  type GrpcWebForm,
  grpcWebResponseForm,
  type GrpcWebType,
  parseGrpcWebType,
  webTypeOfGrpc,
} from "./grpc-web-type.ts";
export { type GrpcFailure, grpcFailureOf } from "./local-failure.ts";
export { implementBidi, implementUnary, implementUnaryBytes, type ServiceRegistration } from "./method.ts";
export { statusTrailers, trailersOnlyHead } from "./response-fields.ts";
export { impliedGrpcStatus, readGrpcStatus } from "./response-status.ts";
export { type GrpcServer, serveGrpc } from "./server.ts";
export type { GrpcStatus } from "./status.ts";
export {
  grpcStatusName,
  type ResetCode,
  resetCodeToGrpc,
} from "./status-codes.ts";
export { encodeGrpcTimeout, parseGrpcTimeout } from "./timeout.ts";
