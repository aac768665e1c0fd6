/** What is left of one limit for one tuple of keys, wherever the tokens are kept. */
import type { TokenRate } from "../../../decide/admission/index.ts";
import type { AdmissionRequest } from "../../../decide/index.ts";

/**
 * - `taken`: one token, to be given back where the request does not go on after all
 * - `taken_locally`: of the bucket that stands in while the shared store is away
 * - `empty`: nothing was taken
 */
export type Take = "taken" | "taken_locally" | "empty";

export interface Quota {
  readonly rate: TokenRate;
  /** `unknown`: `ask`. */
  take(nowUs: number): Take | "unknown";
  /** `answer` is called once, perhaps before this returns, unless what is returned is called first. */
  ask(answer: (take: Take) => void): () => void;
  giveBack(take: Take): void;
  /** Whole tokens, as far as is known here. */
  remaining(nowUs: number): number;
  /** Until there is a token. */
  waitUs(nowUs: number): number;
  /** Until it is full. */
  fullUs(nowUs: number): number;
}

/** One limit of a policy, with the quotas of all its tuples. */
export interface QuotaKeeper {
  /** Undefined: the request is not counted, or has no limit. */
  quotaOf(request: AdmissionRequest, nowUs: number): Quota | undefined;
  /** No filter uses it any more. */
  close(): void;
}

/** A limit without a bound of its own. Some 200 bytes each. */
const defaultMaxBuckets = 10_000;
/** More than this is taken as this: 200 MB, which somebody must have asked for. */
const maxBuckets = 1_000_000;

export function bucketBound(asked: number): number {
  return Math.min(asked === 0 ? defaultMaxBuckets : asked, maxBuckets);
}
