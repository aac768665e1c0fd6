/** Where tokens of a limit that many proxies share come from, some at a time. */
import type { TokenRate } from "../../../decide/admission/index.ts";

export interface LeaseRequest {
  /** Of the bucket, the same in all proxies. */
  readonly key: string;
  readonly rate: TokenRate;
  /** For requests that wait: given as far as there are any. */
  readonly need: number;
  /** For requests to come: given of a share of what is left. */
  readonly wish: number;
  /** Leased before, and not used. */
  readonly back: number;
}

export interface LeaseGrant {
  readonly tokens: number;
  /** What is left for others. */
  readonly remaining: number;
  /** Until there is another token; 0: there is one. */
  readonly waitUs: number;
}

export interface LeaseSource {
  /** False: it is known to be away, and nothing is asked of it. */
  readonly isUp: boolean;
  /** `answer` is called once, perhaps before this returns. Undefined: it is away. */
  acquire(request: LeaseRequest, answer: (grant: LeaseGrant | undefined) => void): void;
}
