/** Time as an argument: the real clock, and a virtual one that tests move by hand. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Microseconds from an arbitrary start; never goes back. */
  monotonicUs(): number;
  /** Calls back once, not before `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Timer;
  /**
   * The same for what others must have done by then, who are not to pay for a loop that stood still: where it comes late they have
   * that much more time, at most `delayMs`; and what has arrived by then is told before it calls back.
   */
  deadline(delayMs: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  deadline: (delayMs, callback) => new Deadline(delayMs, callback),
};

/** Timers of a loop that has something to do are later than asked for by less. */
const stoodStillMs = 5;

class Deadline implements Timer {
  readonly #callback: () => void;
  #timeout: ReturnType<typeof setTimeout>;
  #isCancelled = false;

  constructor(delayMs: number, callback: () => void) {
    this.#callback = callback;
    const dueMs = performance.now() + delayMs;
    this.#timeout = setTimeout(() => {
      const lateMs = performance.now() - dueMs;
      if (lateMs < stoodStillMs) this.#finish();
      else this.#timeout = setTimeout(() => this.#finish(), Math.min(lateMs, delayMs));
    }, delayMs);
  }

  cancel(): void {
    this.#isCancelled = true;
    clearTimeout(this.#timeout);
  }

  /** Of a turn of the loop the immediates come first, then what has arrived, then timers: the second immediate is behind all of it. */
  #finish(): void {
    setImmediate(() => {
      setImmediate(() => {
        if (!this.#isCancelled) this.#callback();
      });
    });
  }
}

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Stands still until `advance`; timers fire in the order of their due times, then of their making. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicUs(): number {
    return this.#nowMs * 1000;
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry: Pending = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** Nothing arrives while it stands still. */
  deadline(delayMs: number, callback: () => void): Timer {
    return this.after(delayMs, callback);
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#pending.delete(next);
      this.#nowMs = next.dueMs;
      next.callback();
    }
    this.#nowMs = endMs;
  }

  #nextDue(endMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.dueMs > endMs) continue;
      if (
        best === undefined ||
        entry.dueMs < best.dueMs ||
        (entry.dueMs === best.dueMs && entry.order < best.order)
      ) {
        best = entry;
      }
    }
    return best;
  }
}
