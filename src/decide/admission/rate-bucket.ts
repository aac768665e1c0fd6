/**
 * Token buckets in whole numbers: a token is so many parts, each tick of time adds so many parts, so that no rounding ever
 * adds up and a bucket that is asked often grows as one that is asked rarely. Time is an argument.
 */

export interface RateSettings {
  readonly requests: bigint;
  readonly periodMs: number;
  /** 0: `requests`. */
  readonly burst: bigint;
}

/** Beyond, a limit is none. Keeps what is computed within whole numbers that a double holds. */
const maxTokens = 1_000_000_000n;
/** Coarser only where the numbers would get too large otherwise: a burst of millions over a period of hours. */
const tickSizesUs = [1n, 1_000n, 1_000_000n];

/** How fast a bucket fills and how much it holds. Shared by all buckets of a limit. */
export class TokenRate {
  readonly tickUs: number;
  readonly partsPerTick: number;
  readonly partsPerToken: number;
  readonly capacityParts: number;
  /** What the operator wrote, for headers. */
  readonly requests: number;
  readonly periodMs: number;
  /** Tokens in a full bucket. */
  readonly burst: number;

  /**
   * `processes`: so many share one limit and no memory, so each gets an exact share of the rate. A burst that does not
   * divide is rounded up for each, so that a burst of 1 is one.
   */
  constructor({ requests, periodMs, burst }: RateSettings, processes = 1) {
    const count = BigInt(Math.max(1, processes));
    const perPeriod = atMost(requests, maxTokens);
    const wanted = atMost(burst === 0n ? requests : burst, maxTokens);
    const held = (wanted + count - 1n) / count;
    const periodUs = BigInt(Math.max(1, periodMs)) * 1_000n * count;
    let parts = { perTick: 0n, perToken: 1n, tickUs: 1n };
    for (const tickUs of tickSizesUs) {
      const divisor = greatestDivisor(perPeriod * tickUs, periodUs);
      parts = { perTick: (perPeriod * tickUs) / divisor, perToken: periodUs / divisor, tickUs };
      if (held * parts.perToken <= Number.MAX_SAFE_INTEGER) break;
    }
    // Reached by periods of weeks with bursts of a thousand million only: the strict side.
    const burstTokens = atMost(held, BigInt(Number.MAX_SAFE_INTEGER) / parts.perToken);
    this.tickUs = Number(parts.tickUs);
    this.partsPerTick = Number(parts.perTick);
    this.partsPerToken = Number(parts.perToken);
    this.capacityParts = Number(burstTokens * parts.perToken);
    this.requests = Number(perPeriod);
    this.periodMs = Math.max(1, periodMs);
    this.burst = Number(burstTokens);
  }

  /** Until so many parts have come. Infinity: never. */
  usFor(parts: number): number {
    if (parts <= 0) return 0;
    return this.partsPerTick === 0
      ? Number.POSITIVE_INFINITY
      : Math.ceil(parts / this.partsPerTick) * this.tickUs;
  }

  /** The share of one of so many processes. */
  sharedBy(processes: number): TokenRate {
    if (processes <= 1) return this;
    const { requests, periodMs, burst } = this;
    return new TokenRate({ requests: BigInt(requests), periodMs, burst: BigInt(burst) }, processes);
  }

  /** From empty to full. */
  get fillUs(): number {
    return this.usFor(this.capacityParts);
  }
}

export class TokenBucket {
  readonly rate: TokenRate;
  #parts: number;
  #tick: number;

  /** Full. */
  constructor(rate: TokenRate, nowUs: number) {
    this.rate = rate;
    this.#parts = rate.capacityParts;
    this.#tick = Math.floor(nowUs / rate.tickUs);
  }

  /** False: there is no whole token, and nothing was taken. */
  take(nowUs: number): boolean {
    this.#fill(nowUs);
    const rest = this.#parts - this.rate.partsPerToken;
    if (rest < 0) return false;
    this.#parts = rest;
    return true;
  }

  /** Of `tokens`, what is there. */
  takeUpTo(tokens: number, nowUs: number): number {
    const taken = Math.min(tokens, this.remaining(nowUs));
    this.#parts -= taken * this.rate.partsPerToken;
    return taken;
  }

  /** What was taken was not needed. */
  giveBack(tokens = 1): void {
    this.#parts = Math.min(this.rate.capacityParts, this.#parts + tokens * this.rate.partsPerToken);
  }

  /** Whole tokens. */
  remaining(nowUs: number): number {
    this.#fill(nowUs);
    return Math.floor(this.#parts / this.rate.partsPerToken);
  }

  /** Until there is a token; 0: there is one. */
  waitUs(nowUs: number): number {
    this.#fill(nowUs);
    if (this.rate.capacityParts < this.rate.partsPerToken) return Number.POSITIVE_INFINITY;
    return this.rate.usFor(this.rate.partsPerToken - this.#parts);
  }

  /** Until it is full. */
  fullUs(nowUs: number): number {
    this.#fill(nowUs);
    return this.rate.usFor(this.rate.capacityParts - this.#parts);
  }

  #fill(nowUs: number): void {
    const { rate } = this;
    const tick = rate.tickUs === 1 ? Math.floor(nowUs) : Math.floor(nowUs / rate.tickUs);
    const passed = tick - this.#tick;
    if (passed <= 0) return;
    this.#tick = tick;
    // A product too large for a whole number is larger than the bucket, too.
    this.#parts = Math.min(rate.capacityParts, this.#parts + passed * rate.partsPerTick);
  }
}

function atMost(value: bigint, bound: bigint): bigint {
  return value < bound ? value : bound;
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x === 0n ? 1n : x;
}
