/**
 * The share of retries among what one proxy sends to one cluster. Both are counted over the last second, in tenths: a
 * longer memory of good times would let an outage begin with a storm.
 */
import type { RetryBudget as RetryBudgetModel } from "../model/index.ts";

const slots = 10;
const slotUs = 100_000;

/** A share of 20 % keeps ten requests a second from having any retry at all, hence a number beside it. */
const defaults = { percent: 20, minPerSecond: 10 };

export class RetryBudget {
  readonly percent: number;
  readonly minPerSecond: number;
  /** Retries that were not allowed, since it was made. */
  denied = 0;
  readonly #requests = new Uint32Array(slots);
  readonly #retries = new Uint32Array(slots);
  #sumRequests = 0;
  #sumRetries = 0;
  /** Number of the newest slot since time 0. */
  #slot = 0;

  /** Undefined: 20 %, and at least 10 a second. */
  constructor(model: RetryBudgetModel | undefined) {
    this.percent = model?.percent ?? defaults.percent;
    this.minPerSecond = model?.minPerSecond ?? defaults.minPerSecond;
  }

  /** A first try is made. */
  addRequest(nowUs: number): void {
    const at = this.#advance(nowUs);
    this.#requests[at] = (this.#requests[at] ?? 0) + 1;
    this.#sumRequests++;
  }

  /** False: the retry may not be made. */
  takeRetry(nowUs: number): boolean {
    const at = this.#advance(nowUs);
    const allowed = Math.max(this.minPerSecond, (this.#sumRequests * this.percent) / 100);
    if (this.#sumRetries + 1 > allowed) {
      this.denied++;
      return false;
    }
    this.#retries[at] = (this.#retries[at] ?? 0) + 1;
    this.#sumRetries++;
    return true;
  }

  /** Index of the slot of now. Time that stands still or goes back counts as now. */
  #advance(nowUs: number): number {
    const slot = Math.floor(nowUs / slotUs);
    if (slot > this.#slot) this.#forget(slot);
    return this.#slot % slots;
  }

  #forget(slot: number): void {
    const passed = Math.min(slots, slot - this.#slot);
    for (let i = 1; i <= passed; i++) {
      const at = (this.#slot + i) % slots;
      this.#sumRequests -= this.#requests[at] ?? 0;
      this.#sumRetries -= this.#retries[at] ?? 0;
      this.#requests[at] = 0;
      this.#retries[at] = 0;
    }
    this.#slot = slot;
  }
}
