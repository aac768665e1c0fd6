/** Bounds of what comes back from endpoints, and who counts when one is passed. Asked for each new connection. */
import type { Http1Limits } from "../../http1/index.ts";
import type { Http2Limits } from "../../http2/index.ts";

interface CodecLimits {
  readonly http1: Http1Limits;
  readonly http2: Partial<Http2Limits>;
  /** Of what waits to be sent on one connection. */
  readonly highWaterBytes: number;
}

export interface CodecLimitsSource {
  current(): CodecLimits;
  /** A response was refused for it. */
  onReached(limit: keyof Http1Limits): void;
}
