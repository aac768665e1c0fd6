/** Wall-clock times of what was measured with the monotonic clock. */
import type { Clock } from "../../kernel/index.ts";

/** The wall clock tells milliseconds: what differs by less is the same time still, and spans of one proxy keep their order. */
const toleranceUs = 2_000;

export class WallClock {
  readonly #clock: Clock;
  #offsetUs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetUs = clock.nowMs() * 1_000 - clock.monotonicUs();
  }

  /** Follows a clock that was set. Once for the spans of one exchange, so that they stay in order. */
  refresh(): void {
    const offsetUs = this.#clock.nowMs() * 1_000 - this.#clock.monotonicUs();
    if (Math.abs(offsetUs - this.#offsetUs) > toleranceUs) this.#offsetUs = offsetUs;
  }

  /** Nanoseconds of Unix time. */
  unixNanos(monotonicUs: number): bigint {
    return BigInt(Math.round(this.#offsetUs + monotonicUs)) * 1_000n;
  }
}
