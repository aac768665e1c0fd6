/** By what a request is known, since when it is here, what happened to it when, and how long it may be. A base class, since a request is made of as few objects as can be. */
import type { Clock } from "../../kernel/index.ts";
import type { TimerWheel, WheelTimer } from "../../net/index.ts";
import type { PreparedTelemetry } from "../../decide/telemetry/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { RequestIds } from "./request-ids.ts";

export abstract class TimedRequest {
  /** 0: it has no bound. */
  protected timeoutMs = 0;
  readonly startUs: number;
  /** Where an observer wants them; 0: not yet. */
  admittedUs = 0;
  firstByteUs = 0;
  endUs = 0;
  requestId = "";
  /** What is told of it; undefined: the defaults hold. */
  telemetry: PreparedTelemetry | undefined = undefined;
  /** The proxy's own id; undefined: the request brought one. */
  newRequestId: string | undefined = undefined;
  readonly #clock: Clock;
  #timer: WheelTimer | undefined = undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.startUs = clock.monotonicUs();
  }

  protected identify(ids: RequestIds, head: HttpRequest): void {
    const given = head.get("x-request-id");
    this.requestId = ids.keep(given);
    if (this.requestId !== given) this.newRequestId = this.requestId;
  }

  /** `graceMs`: so much later than its time. */
  protected boundTime(wheel: TimerWheel, timeoutMs: number, graceMs: number): void {
    this.timeoutMs = timeoutMs;
    if (timeoutMs > 0) this.#timer = wheel.schedule(timeoutMs + graceMs, () => this.onTimeout());
  }

  protected abstract onTimeout(): void;

  /** Infinity: no bound. */
  remainingMs(nowUs: number): number {
    return this.timeoutMs === 0 ? Infinity : this.timeoutMs - (nowUs - this.startUs) / 1_000;
  }

  /** Undefined: no bound. */
  get leftMs(): number | undefined {
    return this.timeoutMs === 0 ? undefined : this.remainingMs(this.#clock.monotonicUs());
  }

  /** It was let in. */
  protected markAdmitted(): void {
    this.admittedUs = this.#clock.monotonicUs();
  }

  /** Its answer begins. */
  protected markFirstByte(): void {
    this.firstByteUs = this.#clock.monotonicUs();
  }

  /** Returns how long it took, in microseconds. */
  protected end(): number {
    this.releaseTime();
    this.endUs = this.#clock.monotonicUs();
    return this.endUs - this.startUs;
  }

  /** Time no longer ends it. */
  protected releaseTime(): void {
    this.#timer?.cancel();
  }
}
