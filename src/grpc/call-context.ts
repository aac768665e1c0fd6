/** What a handler knows of a call besides its messages. */
import type { PeerCertificate } from "../net/index.ts";
import type { Metadata } from "./metadata.ts";

export interface CallContext {
  /** The certificate that the client proved; undefined on a connection without one. */
  readonly peer: PeerCertificate | undefined;
  readonly remoteAddress: string;
  readonly metadata: Metadata;
  /** Aborted when the call ends before the handler does: cancelled, deadline passed, connection lost. */
  readonly signal: AbortSignal;
  /** In the clock's time; undefined where the client set none. */
  readonly deadlineMs: number | undefined;
}
