/**
 * Ends the wait for a frame that comes too slowly (slow-loris): a head, a header block with its CONTINUATION frames, or
 * any frame but DATA, whose pace is the application's. One timer, and none while nothing is half there.
 */
import type { Clock, Timer } from "../kernel/index.ts";

export interface FrameProgress {
  /** Which frame is half there: a number that no other frame has; 0 for none. */
  readonly pending: number;
}

export class FrameTimeout {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #progress: FrameProgress;
  readonly #onLate: () => void;
  #timer: Timer | undefined = undefined;

  constructor(clock: Clock, timeoutMs: number, progress: FrameProgress, onLate: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#progress = progress;
    this.#onLate = onLate;
  }

  /** After each chunk of bytes. */
  check(): void {
    const { pending } = this.#progress;
    if (pending === 0 || this.#timer !== undefined) return;
    this.#timer = this.#clock.deadline(this.#timeoutMs, () => {
      this.#timer = undefined;
      if (this.#progress.pending === pending) this.#onLate();
      else this.check();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
