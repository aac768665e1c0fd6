export { Http2ClientSession, type Http2ClientHandler } from "./client-session.ts";
export { errorCodeName, errorCodeNumbers, type Http2ErrorCode } from "./error-code.ts";
export { HeaderFields } from "./header-fields.ts";
export type { KeepAliveOptions } from "./keep-alive.ts";
export { defaultHttp2Limits, type Http2Limits } from "./limits.ts";
export { Http2ServerSession, type Http2ServerHandler } from "./server-session.ts";
export type { Http2SessionOptions, SessionEnd } from "./session.ts";
export type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";
export type { Transport } from "./transport.ts";
