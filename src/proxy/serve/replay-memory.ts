/** Request bodies that are kept for other tries, of all requests of one proxy together. */
import type { Counter } from "../telemetry/index.ts";

export class ReplayMemory {
  readonly #maxBytes: number;
  /** Counts what was not kept any more because there was no room. */
  readonly #exhausted: Counter;
  #usedBytes = 0;

  constructor(maxBytes: number, exhausted: Counter) {
    this.#maxBytes = maxBytes;
    this.#exhausted = exhausted;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** False: there is no room. */
  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#maxBytes) {
      this.#exhausted.value++;
      return false;
    }
    this.#usedBytes += bytes;
    return true;
  }

  /** For what has to be kept: nobody has had it yet. */
  force(bytes: number): void {
    this.#usedBytes += bytes;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}
