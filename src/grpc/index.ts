export type { BidiStream } from "./bidi-stream.ts";
export type { CallContext } from "./call-context.ts";
export {
  type BidiHandlers,
  type CallOptions,
  GrpcClient,
  type GrpcClientOptions,
  type GrpcClientState,
} from "./client.ts";
export { maxMessageBytes } from "./message-reader.ts";
export type { Metadata } from "./metadata.ts";
export {
  implementBidi,
  implementUnary,
  type MethodRegistration,
  type ServiceRegistration,
  type StreamingMethod,
  type UnaryHandler,
  type UnaryMethod,
} from "./method.ts";
export { type GrpcServer, type GrpcServerOptions, serveGrpc } from "./server.ts";
export { type GrpcCode, grpcCodes, type GrpcStatus, grpcCodeName } from "./status.ts";
