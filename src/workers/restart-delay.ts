/** How long to wait before a worker is started again: longer while it keeps dying young. */
import type { Clock } from "../kernel/index.ts";

const firstMs = 100;
const maxMs = 10_000;
/** Whoever has lived this long was not killed by its start. */
const matureMs = 30_000;

export class RestartDelay {
  readonly #clock: Clock;
  #deaths = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(startedMs: number): number {
    if (this.#clock.nowMs() - startedMs >= matureMs) this.#deaths = 0;
    return Math.min(maxMs, firstMs * 2 ** Math.min(this.#deaths++, 16));
  }
}
