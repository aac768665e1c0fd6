/**
 * How many requests one endpoint may have in flight, learned from its latency: while it answers about as fast as it does
 * without load the limit grows, and when it takes longer the limit shrinks in proportion, before its queue does harm.
 * The gradient of Netflix' concurrency-limits and Envoy's adaptive concurrency. Pure: time is an argument.
 *
 *   window over: gradient = unloaded latency x tolerance / latency of the window, within 0.5 and 1
 *                limit <- 80 % limit + 20 % (limit x gradient + room to grow)
 */
import type { AdaptiveConcurrency } from "../../../model/index.ts";

export interface GradientSettings {
  readonly min: number;
  readonly max: number;
  /** Latency over the unloaded one that is still fine: 1.5 is half as much again. */
  readonly tolerance: number;
}

const defaultMin = 5;
const defaultMax = 1_024;
const defaultTolerancePercent = 50;

export function gradientSettings(model: AdaptiveConcurrency): GradientSettings {
  const min = model.min || defaultMin;
  return {
    min,
    max: Math.max(min, model.max || defaultMax),
    tolerance: 1 + (model.tolerancePercent || defaultTolerancePercent) / 100,
  };
}

/** Most services do well with that; the first second corrects it. */
const initialLimit = 20;
/** A window ends after this time, with enough answers for a mean, or at the latest after the longer time with any. */
const windowUs = 100_000;
const minAnswers = 10;
const longestWindowUs = 1_000_000;
const smoothing = 0.2;
/** One step down at most, so that a single stall does not stop everything. */
const minGradient = 0.5;
/** What the endpoint does without load is the fastest window of this time and the one before it, */
const baselineUs = 30_000_000;
/** and is looked at with this share of the limit when the time is over, since under lasting load nothing else shows it. */
const probeShare = 0.5;
/** A refused or lost request shows overload without any latency. */
const afterLoss = 0.9;

export class GradientLimit {
  settings: GradientSettings;
  #limit: number;
  #windowStartUs: number;
  #sumUs = 0;
  #count = 0;
  #mostInFlight = 0;
  #hasLoss = false;
  /** Means of windows, 0: none yet. */
  #fastestUs = 0;
  #previousFastestUs = 0;
  #baselineStartUs: number;
  #isProbing = false;

  constructor(settings: GradientSettings, nowUs: number) {
    this.settings = settings;
    this.#limit = this.#clamp(initialLimit);
    this.#windowStartUs = nowUs;
    this.#baselineStartUs = nowUs;
  }

  /** Requests that may be in flight now. */
  get limit(): number {
    const limit = this.#isProbing ? this.#limit * probeShare : this.#limit;
    return Math.floor(this.#clamp(limit));
  }

  /** `inFlight`: with the one that asks. `share`: of its priority. */
  admits(inFlight: number, share: number): boolean {
    if (inFlight > this.#mostInFlight) this.#mostInFlight = inFlight;
    return inFlight <= Math.max(1, Math.floor(this.limit * share));
  }

  /** It has begun to answer. */
  observe(latencyUs: number, nowUs: number): void {
    this.#sumUs += latencyUs;
    this.#count++;
    const elapsedUs = nowUs - this.#windowStartUs;
    if (elapsedUs < windowUs || (this.#count < minAnswers && elapsedUs < longestWindowUs)) return;
    this.#endWindow(nowUs);
  }

  /** It was reset, timed out, or its endpoint said that it has too much to do. */
  observeLoss(): void {
    this.#hasLoss = true;
  }

  #endWindow(nowUs: number): void {
    const meanUs = this.#sumUs / this.#count;
    const wasUsed = this.#mostInFlight * 2 >= this.#limit;
    this.#learnBaseline(meanUs, wasUsed, nowUs);
    if (this.#hasLoss) this.#limit = this.#clamp(this.#limit * afterLoss);
    else if (!this.#isProbing) this.#adjust(meanUs, wasUsed);
    this.#windowStartUs = nowUs;
    this.#sumUs = 0;
    this.#count = 0;
    this.#mostInFlight = 0;
    this.#hasLoss = false;
  }

  #adjust(meanUs: number, wasUsed: boolean): void {
    const baseline = this.#baselineUs;
    const gradient = Math.max(minGradient, Math.min(1, (baseline * this.settings.tolerance) / meanUs));
    const room = Math.sqrt(this.#limit);
    const next = this.#limit * gradient + room;
    // A limit that nobody needs says nothing about more.
    if (next > this.#limit && !wasUsed) return;
    this.#limit = this.#clamp(this.#limit * (1 - smoothing) + next * smoothing);
  }

  get #baselineUs(): number {
    if (this.#previousFastestUs === 0) return this.#fastestUs;
    return Math.min(this.#fastestUs, this.#previousFastestUs);
  }

  #learnBaseline(meanUs: number, wasUsed: boolean, nowUs: number): void {
    if (this.#fastestUs === 0 || meanUs < this.#fastestUs) this.#fastestUs = meanUs;
    if (this.#isProbing) {
      this.#isProbing = false;
      this.#previousFastestUs = this.#fastestUs;
      this.#fastestUs = meanUs;
      this.#baselineStartUs = nowUs;
    } else if (nowUs - this.#baselineStartUs >= baselineUs) {
      if (wasUsed) {
        this.#isProbing = true;
      } else {
        this.#previousFastestUs = this.#fastestUs;
        this.#fastestUs = meanUs;
        this.#baselineStartUs = nowUs;
      }
    }
  }

  #clamp(limit: number): number {
    return Math.max(this.settings.min, Math.min(this.settings.max, limit));
  }
}
