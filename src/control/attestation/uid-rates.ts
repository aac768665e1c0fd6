/** How often processes of one user may ask: a bucket for each, so that one user's loop takes nothing from the others. */
import type { Clock } from "../../kernel/index.ts";

/** A machine that starts may start so many proxies of one user at once. */
const burst = 64;
const perSecond = 8;
/** Users that asked lately; full buckets are forgotten. */
const maxUsers = 4_096;

interface Bucket {
  tokens: number;
  filledMs: number;
  isEmpty: boolean;
}

export class UidRates {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `first_refused`: there was room until now. Said once until there is room again, so that a loop does not fill the log. */
  take(uid: number): "taken" | "first_refused" | "refused" {
    const nowMs = this.#clock.monotonicUs() / 1_000;
    const bucket = this.#bucketOf(uid, nowMs);
    if (bucket === undefined) return "refused";
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.filledMs) / 1_000) * perSecond);
    bucket.filledMs = nowMs;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      if (bucket.tokens >= burst / 2) bucket.isEmpty = false;
      return "taken";
    }
    if (bucket.isEmpty) return "refused";
    bucket.isEmpty = true;
    return "first_refused";
  }

  #bucketOf(uid: number, nowMs: number): Bucket | undefined {
    const known = this.#buckets.get(uid);
    if (known !== undefined) return known;
    if (this.#buckets.size >= maxUsers) this.#forgetFull(nowMs);
    if (this.#buckets.size >= maxUsers) return undefined;
    const bucket = { tokens: burst, filledMs: nowMs, isEmpty: false };
    this.#buckets.set(uid, bucket);
    return bucket;
  }

  #forgetFull(nowMs: number): void {
    for (const [uid, { tokens, filledMs }] of this.#buckets) {
      if (tokens + ((nowMs - filledMs) / 1_000) * perSecond >= burst) this.#buckets.delete(uid);
    }
  }
}
