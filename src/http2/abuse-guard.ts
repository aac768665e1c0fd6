/**
 * Counts what a peer makes us do for nothing, in two budgets that refill with time: streams that it wastes (rapid reset,
 * and MadeYouReset, where its faults make us reset) and frames that carry no work (floods of PING, SETTINGS, empty DATA,
 * WINDOW_UPDATE, PRIORITY). Real work refunds both, so that the allowance follows the traffic.
 */
import type { Clock } from "../kernel/index.ts";
import type { Http2Limits } from "./limits.ts";

/**
 * A frame of real data, and a stream that ran to its end, may be accompanied by this many control frames, for ever: Envoy
 * allows ten WINDOW_UPDATEs.
 */
const controlsPerWork = 8;

export class AbuseGuard {
  readonly #clock: Clock;
  readonly #limits: Http2Limits;
  #resets: number;
  #controls: number;
  #refilledUs: number;

  constructor(clock: Clock, limits: Http2Limits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#resets = limits.resetBurst;
    this.#controls = limits.controlBurst;
    this.#refilledUs = clock.monotonicUs();
  }

  /** False: the budget is used up. */
  chargeReset(): boolean {
    if (this.#resets < 1) this.#refill();
    if (this.#resets < 1) return false;
    this.#resets--;
    return true;
  }

  chargeControl(): boolean {
    if (this.#controls < 1) this.#refill();
    if (this.#controls < 1) return false;
    this.#controls--;
    return true;
  }

  /** A stream ran to its end: one more may be cancelled. */
  refundForStream(): void {
    this.refundForData(); // browsers send PRIORITY with every request, and answers may have no data
    this.#resets = Math.min(this.#limits.resetBurst, this.#resets + 1);
  }

  refundForData(): void {
    this.#controls = Math.min(this.#limits.controlBurst, this.#controls + controlsPerWork);
  }

  /** Only when a budget runs dry, so that ordinary frames never read the clock. */
  #refill(): void {
    const nowUs = this.#clock.monotonicUs();
    const seconds = (nowUs - this.#refilledUs) / 1_000_000;
    this.#refilledUs = nowUs;
    const limits = this.#limits;
    this.#resets = Math.min(limits.resetBurst, this.#resets + seconds * limits.resetsPerSecond);
    this.#controls = Math.min(limits.controlBurst, this.#controls + seconds * limits.controlsPerSecond);
  }
}
