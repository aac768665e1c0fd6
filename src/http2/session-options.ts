/** What a session is made with, and what its owner hears when it is over. */
import type { Clock } from "../kernel/index.ts";
import type { Http2ErrorCode } from "./error-code.ts";
import type { KeepAliveOptions } from "./keep-alive.ts";
import type { Http2Limits } from "./limits.ts";

export interface Http2SessionOptions {
  readonly clock: Clock;
  readonly limits?: Partial<Http2Limits>;
  /** Off where absent: then a dead peer is noticed only by the connection's own timeouts. */
  readonly keepAlive?: KeepAliveOptions;
}

/** Why the session ended. `code` is no_error for an orderly end. */
export interface SessionEnd {
  readonly by: "local" | "peer";
  readonly code: Http2ErrorCode;
  readonly detail: string;
}
