export type { BidiStream } from "./bidi-stream.ts";
export type { CallContext } from "./call-context.ts";
export { type BidiHandlers, GrpcClient } from "./client.ts";
export { implementBidi, implementUnary, type ServiceRegistration } from "./method.ts";
export { type GrpcServer, serveGrpc } from "./server.ts";
export type { GrpcStatus } from "./status.ts";
