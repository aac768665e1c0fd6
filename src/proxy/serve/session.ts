/** Session persistence of one route or cluster, prepared: how a client's session is read, and how the client is told. */
import type { HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { SessionToken } from "./session-token.ts";

export interface Session {
  /** Undefined: the client brought none, or it is over. */
  read(head: HttpRequest, nowSeconds: number): SessionToken | undefined;
  /** What the client brings back must be written anew, although nothing else changed. */
  isStale(token: SessionToken, nowSeconds: number): boolean;
  /** For the response. */
  line(token: SessionToken, isSecure: boolean): HeaderLine;
}
