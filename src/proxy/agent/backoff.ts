/** How long to wait before trying again: doubling, half of it random so that many proxies do not come at once. */

export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #attempt = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  nextMs(): number {
    const fullMs = Math.min(this.#limits.maxMs, this.#limits.minMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt++;
    return fullMs / 2 + (this.#random() * fullMs) / 2;
  }

  /** It worked. */
  reset(): void {
    this.#attempt = 0;
  }
}
