/** Buckets against an exact one that counts in fractions, and what processes share. */
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, oneof, property, record } from "fast-check";
import { TokenBucket, TokenRate } from "./rate-bucket.ts";

/** Tokens as an exact fraction, in microseconds of requests: `scaled` / (period in microseconds). */
class NaiveBucket {
  readonly #requests: bigint;
  readonly #periodUs: bigint;
  readonly #burst: bigint;
  #scaled: bigint;
  #lastUs: bigint;

  constructor(requests: number, periodMs: number, burst: number, nowUs: number) {
    this.#requests = BigInt(requests);
    this.#periodUs = BigInt(periodMs) * 1_000n;
    this.#burst = BigInt(burst === 0 ? requests : burst);
    this.#scaled = this.#burst * this.#periodUs;
    this.#lastUs = BigInt(nowUs);
  }

  take(nowUs: number): boolean {
    this.#fill(nowUs);
    if (this.#scaled < this.#periodUs) return false;
    this.#scaled -= this.#periodUs;
    return true;
  }

  giveBack(): void {
    this.#scaled += this.#periodUs;
    if (this.#scaled > this.#burst * this.#periodUs) this.#scaled = this.#burst * this.#periodUs;
  }

  remaining(nowUs: number): number {
    this.#fill(nowUs);
    return Number(this.#scaled / this.#periodUs);
  }

  #fill(nowUs: number): void {
    this.#scaled += (BigInt(nowUs) - this.#lastUs) * this.#requests;
    this.#lastUs = BigInt(nowUs);
    if (this.#scaled > this.#burst * this.#periodUs) this.#scaled = this.#burst * this.#periodUs;
  }
}

const settings = (requests: number, periodMs: number, burst = 0) => ({
  requests: BigInt(requests),
  periodMs,
  burst: BigInt(burst),
});

describe("a token bucket", () => {
  test("does what an exact one does, whatever the rate and the times", () => {
    const step = record({
      afterUs: oneof(integer({ min: 0, max: 2_000 }), integer({ min: 0, max: 10_000_000 })),
      kind: constantFrom("take", "take", "take", "give"),
    });
    assert(
      property(
        integer({ min: 0, max: 5_000 }),
        integer({ min: 1, max: 90_000_000 }),
        integer({ min: 0, max: 300 }),
        array(step, { maxLength: 200 }),
        (requests, periodMs, burst, steps) => {
          let nowUs = 123_456;
          const bucket = new TokenBucket(new TokenRate(settings(requests, periodMs, burst)), nowUs);
          const naive = new NaiveBucket(requests, periodMs, burst, nowUs);
          expect(bucket.rate.tickUs).toBe(1);
          for (const { afterUs, kind } of steps) {
            nowUs += afterUs;
            if (kind === "give") {
              bucket.remaining(nowUs);
              naive.remaining(nowUs);
              bucket.giveBack();
              naive.giveBack();
            } else {
              expect(bucket.take(nowUs)).toBe(naive.take(nowUs));
            }
            expect(bucket.remaining(nowUs)).toBe(naive.remaining(nowUs));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("has its token exactly when it says, and not a microsecond before", () => {
    assert(
      property(
        integer({ min: 1, max: 5_000 }),
        integer({ min: 1, max: 1_000_000 }),
        integer({ min: 1, max: 20 }),
        (requests, periodMs, burst) => {
          const bucket = new TokenBucket(new TokenRate(settings(requests, periodMs, burst)), 0);
          while (bucket.take(0)) {}
          const waitUs = bucket.waitUs(0);
          expect(bucket.remaining(waitUs - 1)).toBe(0);
          expect(bucket.take(waitUs)).toBe(true);
          const fullUs = bucket.fullUs(waitUs);
          expect(bucket.remaining(waitUs + fullUs)).toBe(burst);
        },
      ),
    );
  });

  test("does not drift: a day of one look a millisecond gives what one look gives", () => {
    const bucket = new TokenBucket(new TokenRate(settings(7, 60_000, 100_000)), 0);
    bucket.takeUpTo(100_000, 0);
    for (let ms = 1; ms <= 86_400; ms++) bucket.remaining(ms * 1_000);
    expect(bucket.remaining(86_400_000)).toBe(Math.floor((86_400 * 7) / 60_000));
    expect(bucket.remaining(86_400_000_000)).toBe(7 * 60 * 24);
  });

  test("stays in whole numbers for a burst of millions over a day, by coarser ticks", () => {
    const rate = new TokenRate(settings(999_999_937, 86_399_999, 1_000_000_000));
    expect(rate.tickUs).toBeGreaterThan(1);
    expect(Number.isSafeInteger(rate.capacityParts)).toBe(true);
    const bucket = new TokenBucket(rate, 0);
    bucket.takeUpTo(rate.burst, 0);
    expect(bucket.remaining(86_399_999_000)).toBeLessThanOrEqual(999_999_937);
    expect(bucket.remaining(86_400_000_000 + rate.fillUs)).toBe(rate.burst);
  });

  test("never has a token where there are no requests, and says so", () => {
    const bucket = new TokenBucket(new TokenRate(settings(0, 1_000)), 0);
    expect(bucket.take(1e12)).toBe(false);
    expect(bucket.waitUs(1e12)).toBe(Number.POSITIVE_INFINITY);
  });

  test("time that goes back adds nothing and takes nothing", () => {
    const bucket = new TokenBucket(new TokenRate(settings(10, 1_000)), 5_000_000);
    bucket.takeUpTo(10, 5_000_000);
    expect(bucket.remaining(1_000_000)).toBe(0);
    expect(bucket.remaining(5_100_000)).toBe(1);
  });
});

test("processes together get the rate, and at most one token of burst each beyond the burst", () => {
  for (const [requests, burst, processes] of [
    [10, 0, 4],
    [1, 1, 8],
    [1_000, 7, 3],
  ] as const) {
    const rate = new TokenRate(settings(requests, 1_000, burst), processes);
    const buckets = Array.from({ length: processes }, () => new TokenBucket(rate, 0));
    const whole = burst === 0 ? requests : burst;
    const first = buckets.reduce((sum, bucket) => sum + bucket.takeUpTo(whole, 0), 0);
    expect(first).toBeGreaterThanOrEqual(whole);
    expect(first).toBeLessThan(whole + processes);
    let later = 0;
    for (let ms = 1; ms <= 60_000; ms++) {
      for (const bucket of buckets) if (bucket.take(ms * 1_000)) later++;
    }
    expect(later).toBeLessThanOrEqual(requests * 60);
    if (requests < 1_000) expect(later).toBeGreaterThanOrEqual(requests * 60 - processes);
  }
});
