/** How a caller may prove who they are: one interface, one file for each way. */
import type { Caller } from "./caller.ts";

/** What the connection itself proves, besides what requests on it say. */
export interface ConnectionPeer {
  /** For logs: an address, or "unix". */
  readonly source: string;
  /** The kernel's word for who is at the other end of a Unix socket. */
  readonly uid?: number | undefined;
  /** DER of a client certificate whose chain was verified. */
  readonly certificate?: Uint8Array | undefined;
  readonly certificateNotAfterMs?: number | undefined;
}

/** Checks a bearer token. Undefined: it is not one of its own. Rejects where it cannot tell now (`unavailable`). */
export interface TokenAuthenticator {
  authenticate(token: string): Caller | undefined | Promise<Caller | undefined>;
}

/** Judges a connection. Undefined: it proves nothing. */
export interface PeerAuthenticator {
  authenticate(peer: ConnectionPeer): Caller | undefined;
}
