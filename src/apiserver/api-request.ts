/** One request whose caller is known: what the parts that answer it need of it. */
import type { Caller } from "./authentication/caller.ts";

export interface ApiRequest {
  readonly http: Request;
  /** Also in the answer, as `x-request-id`. */
  readonly id: string;
  /** An address, or "unix". */
  readonly source: string;
  readonly caller: Caller;
  readonly query: URLSearchParams;
  /** For answers that last. */
  isStillAllowed(): boolean;
}
