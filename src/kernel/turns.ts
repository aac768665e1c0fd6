/** One piece of work after another, in the order of the calls. What a piece throws is its caller's alone. */
import { WeftError } from "./errors.ts";

export interface TurnsOptions {
  /** At most so many that are under way or wait. Default: as many as come. */
  readonly max?: number;
  /** What they are, in the plural: for the refusal. */
  readonly what?: string;
}

export class Turns {
  readonly #max: number;
  readonly #what: string;
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor({ max = Infinity, what = "pieces of work" }: TurnsOptions = {}) {
    this.#max = max;
    this.#what = what;
  }

  /** Resolves, or rejects, with what the work does; rejects with `exhausted` where too many wait. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#max)
      throw new WeftError("exhausted", `${this.#max} ${this.#what} are waiting already`);
    this.#count++;
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    try {
      return await result;
    } finally {
      this.#count--;
    }
  }
}
