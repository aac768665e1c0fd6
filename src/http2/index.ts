export { Http2ClientSession } from "./client-session.ts";
export { HeaderFields } from "./header-fields.ts";
export type { KeepAliveOptions } from "./keep-alive.ts";
export type { Http2Limits } from "./limits.ts";
export { type Http2ServerOptions, Http2ServerSession } from "./server-session.ts";
export type { SessionEnd } from "./session-options.ts";
export type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";
export { decodeUpgradeSettings } from "./upgrade-settings.ts";
export type { Transport } from "./transport.ts";
