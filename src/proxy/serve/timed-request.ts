/** Since when a request is here, and how long it may be. A base class, since a request is made of as few objects as can be. */
import type { Clock } from "../../kernel/index.ts";
import type { TimerWheel, WheelTimer } from "../../net/index.ts";

export abstract class TimedRequest {
  /** 0: it has no bound. */
  protected timeoutMs = 0;
  readonly #clock: Clock;
  readonly #startUs: number;
  #timer: WheelTimer | undefined = undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startUs = clock.monotonicUs();
  }

  /** `graceMs`: so much later than its time. */
  protected boundTime(wheel: TimerWheel, timeoutMs: number, graceMs: number): void {
    this.timeoutMs = timeoutMs;
    if (timeoutMs > 0) this.#timer = wheel.schedule(timeoutMs + graceMs, () => this.onTimeout());
  }

  protected abstract onTimeout(): void;

  /** Infinity: no bound. */
  remainingMs(nowUs: number): number {
    return this.timeoutMs === 0 ? Infinity : this.timeoutMs - (nowUs - this.#startUs) / 1_000;
  }

  /** Undefined: no bound. */
  get leftMs(): number | undefined {
    return this.timeoutMs === 0 ? undefined : this.remainingMs(this.#clock.monotonicUs());
  }

  protected get elapsedUs(): number {
    return this.#clock.monotonicUs() - this.#startUs;
  }

  /** Time no longer ends it. */
  protected releaseTime(): void {
    this.#timer?.cancel();
  }
}
