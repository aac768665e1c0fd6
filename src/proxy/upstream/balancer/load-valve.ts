/**
 * Nearness yields to load: where the near endpoint that was picked is far slower than a farther one, or has far more in
 * flight, this one request goes to the farther one. "Far" is meant: a zone further away costs a millisecond and money, so
 * the valve stays shut while the near ones do their work.
 */
import type { BalancerMember } from "./member.ts";

/** An answer must take this many times as long as it does farther away … */
const latencyFactor = 3;
/** … and this much longer: below it the way to another zone counts as much as the wait. */
const latencyMarginUs = 10_000;
/** So much in flight at the better of two near endpoints is a queue, where farther ones have far less. */
const queueLength = 64;
const queueFactor = 4;
/** How slowly the usual latency follows one that has become worse. */
const baselineUs = 60_000_000;

export class LoadValve {
  /** What the near ones take when they are well: stands in for a farther one that nobody has measured. 0: not known. */
  #usualUs = 0;
  #observedUs = 0;

  /** Now and then, with the lowest estimate among the near ones. */
  observe(lowestUs: number, nowUs: number): void {
    if (this.#usualUs === 0 || lowestUs < this.#usualUs) {
      this.#usualUs = lowestUs;
    } else {
      const elapsed = Math.min(1, (nowUs - this.#observedUs) / baselineUs);
      this.#usualUs += (lowestUs - this.#usualUs) * elapsed;
    }
    this.#observedUs = nowUs;
  }

  /** Whether `near` is so loaded that it is worth looking at a farther one. */
  isStrained(near: BalancerMember, nowUs: number): boolean {
    if (!near.latency.isMeasured) return false;
    return near.inFlight >= queueLength || near.latency.estimateUs(nowUs) > latencyMarginUs;
  }

  yields(near: BalancerMember, far: BalancerMember, nowUs: number): boolean {
    if (near.inFlight >= queueLength && near.inFlight > queueFactor * (far.inFlight + 1)) return true;
    const farUs = far.latency.isMeasured ? far.latency.estimateUs(nowUs) : this.#usualUs;
    const isSlower = near.latency.estimateUs(nowUs) > latencyFactor * farUs + latencyMarginUs;
    return isSlower && far.inFlight <= near.inFlight;
  }
}
