/** How often somebody may try to log in: a bucket of attempts for each source, and one for all together. */
import type { Clock } from "../../kernel/index.ts";

/** A person mistypes a few times; a program guesses. */
const burst = 10;
const refillMs = 6_000;
const totalBurst = 100;
const totalRefillMs = 600;
/** Beyond it the one that was used longest ago is forgotten: the bucket of all holds. */
const maxSources = 4_096;

interface Bucket {
  left: number;
  atMs: number;
}

export class LoginAttempts {
  readonly #clock: Clock;
  readonly #sources = new Map<string, Bucket>();
  readonly #total: Bucket;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#total = { left: totalBurst, atMs: clock.nowMs() };
  }

  /** 0: go on; else how many seconds to wait. */
  take(source: string): number {
    const nowMs = this.#clock.nowMs();
    const bucket = this.#sources.get(source) ?? { left: burst, atMs: nowMs };
    this.#sources.delete(source);
    this.#sources.set(source, bucket);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size > maxSources && oldest !== undefined) this.#sources.delete(oldest);
    refill(bucket, { nowMs, burst, refillMs });
    refill(this.#total, { nowMs, burst: totalBurst, refillMs: totalRefillMs });
    if (bucket.left < 1) return Math.ceil(((1 - bucket.left) * refillMs) / 1000);
    if (this.#total.left < 1) return Math.ceil(((1 - this.#total.left) * totalRefillMs) / 1000);
    bucket.left--;
    this.#total.left--;
    return 0;
  }
}

function refill(bucket: Bucket, rate: { nowMs: number; burst: number; refillMs: number }): void {
  const gained = Math.max(0, rate.nowMs - bucket.atMs) / rate.refillMs;
  bucket.left = Math.min(rate.burst, bucket.left + gained);
  bucket.atMs = rate.nowMs;
}
