/** Since when a request is here, and how long it may be. */
import type { Clock } from "../../kernel/index.ts";
import type { TimerWheel, WheelTimer } from "../../net/index.ts";

export class RequestTime {
  /** 0: it has no bound. */
  timeoutMs = 0;
  readonly #clock: Clock;
  readonly #startUs: number;
  #timer: WheelTimer | undefined = undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startUs = clock.monotonicUs();
  }

  /** `graceMs`: so much later than its time. */
  bound(wheel: TimerWheel, timeoutMs: number, graceMs: number, onTimeout: () => void): void {
    this.timeoutMs = timeoutMs;
    if (timeoutMs > 0) this.#timer = wheel.schedule(timeoutMs + graceMs, onTimeout);
  }

  /** Infinity: no bound. */
  remainingMs(nowUs: number): number {
    return this.timeoutMs === 0 ? Infinity : this.timeoutMs - (nowUs - this.#startUs) / 1_000;
  }

  /** Undefined: no bound. */
  get leftMs(): number | undefined {
    return this.timeoutMs === 0 ? undefined : this.remainingMs(this.#clock.monotonicUs());
  }

  get elapsedUs(): number {
    return this.#clock.monotonicUs() - this.#startUs;
  }

  /** Time no longer ends it. */
  release(): void {
    this.#timer?.cancel();
  }
}
