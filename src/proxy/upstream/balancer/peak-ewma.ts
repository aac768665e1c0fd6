/**
 * The latency estimate of one endpoint: it jumps to a peak at once and forgets it exponentially, so a stall is seen with
 * its first slow answer and forgiven slowly (Finagle's peak EWMA).
 */

/**
 * The time in which an old figure loses 63 % of its weight. Long enough that an endpoint does not oscillate between
 * picked and shunned, short enough that a recovered one is back within half a minute. Finagle and linkerd use 10 s too.
 */
const decayUs = 10_000_000;
/**
 * What every answer below the estimate takes of it at the least: some 60 good answers say as much as half a minute. Without
 * it, a stall of the whole machine makes all endpoints look as slow as the one that always is.
 */
const maxKept = 0.95;

/**
 * A failed answer (5xx) counts as one that took twice the estimate, up to this: an endpoint that fails at once would else look
 * like the fastest of all and draw the requests of all others to itself.
 */
const maxFailureUs = 1_000_000;
const failureFactor = 2;
/** Gateway errors are for outlier detection to judge, which must see some: they only do not make an endpoint look faster. */
const gatewayErrorFactor = 1 / maxKept;

export class PeakEwma {
  /** 0 until the first observation. */
  #estimateUs = 0;
  #stampUs = 0;

  get isMeasured(): boolean {
    return this.#stampUs !== 0;
  }

  /** Clock time of the newest observation; 0 until the first. */
  get observedUs(): number {
    return this.#stampUs;
  }

  observe(latencyUs: number, nowUs: number): void {
    const elapsedUs = Math.max(0, nowUs - this.#stampUs);
    if (!this.isMeasured || latencyUs > this.#estimateUs) {
      this.#estimateUs = latencyUs;
    } else {
      const kept = Math.min(maxKept, Math.exp(-elapsedUs / decayUs));
      this.#estimateUs = this.#estimateUs * kept + latencyUs * (1 - kept);
    }
    this.#stampUs = Math.max(1, nowUs);
  }

  /** Beside the latency of the answer: the server has failed. */
  observeFailure(isGatewayError: boolean, nowUs: number): void {
    const estimateUs = this.estimateUs(nowUs);
    const factor = isGatewayError ? gatewayErrorFactor : failureFactor;
    if (estimateUs > 0)
      this.observe(Math.max(estimateUs, Math.min(maxFailureUs, factor * estimateUs)), nowUs);
  }

  /** Decayed to now: an endpoint that is shunned gets another chance without any request reaching it. */
  estimateUs(nowUs: number): number {
    const elapsedUs = nowUs - this.#stampUs;
    return elapsedUs <= 0 ? this.#estimateUs : this.#estimateUs * Math.exp(-elapsedUs / decayUs);
  }
}
