/**
 * The figures of one label set: running totals for a scrape, and what came since the last report for the control plane.
 * Recording touches numbers only.
 */
import { Histogram } from "../../kernel/index.ts";

/**
 * Upper bounds in seconds: OpenTelemetry's for HTTP durations, with three below them because a hop inside a mesh
 * mostly ends under 5 ms.
 */
export const durationBoundsSeconds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

const boundsUs = durationBoundsSeconds.map((seconds) => seconds * 1_000_000);

export interface CellDelta {
  readonly count: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durations: Histogram | undefined;
}

export class SeriesCell {
  readonly responseClass: string;
  readonly reason: string;
  /** Requests, or connections opened. */
  count = 0;
  requestBytes = 0;
  responseBytes = 0;
  /** Not cumulative; the last one is for everything above the highest bound. */
  readonly buckets = new Float64Array(boundsUs.length + 1);
  durationCount = 0;
  sumUs = 0;
  #sinceCount = 0;
  #sinceRequestBytes = 0;
  #sinceResponseBytes = 0;
  /** Made with the first duration after a report and dropped when a whole interval brought none: 1.7 KB for busy cells only. */
  #since: Histogram | undefined;
  #isDirty = false;

  constructor(responseClass: string, reason: string) {
    this.responseClass = responseClass;
    this.reason = reason;
  }

  /** One finished request. */
  record(durationUs: number, requestBytes: number, responseBytes: number): void {
    this.open();
    this.transfer(requestBytes, responseBytes);
    this.observe(durationUs);
  }

  open(): void {
    this.count++;
    this.#sinceCount++;
    this.#isDirty = true;
  }

  transfer(requestBytes: number, responseBytes: number): void {
    this.requestBytes += requestBytes;
    this.responseBytes += responseBytes;
    this.#sinceRequestBytes += requestBytes;
    this.#sinceResponseBytes += responseBytes;
    this.#isDirty = true;
  }

  observe(durationUs: number): void {
    let index = 0;
    while (index < boundsUs.length && durationUs > (boundsUs[index] ?? 0)) index++;
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.durationCount++;
    this.sumUs += durationUs;
    this.#since ??= new Histogram();
    this.#since.record(durationUs);
    this.#isDirty = true;
  }

  get hasDelta(): boolean {
    return this.#isDirty;
  }

  /** What came since the call before; the histogram must be read before the next `record`. Undefined: nothing. */
  readDelta(): CellDelta | undefined {
    if (!this.#isDirty) {
      this.#since = undefined;
      return undefined;
    }
    return {
      count: this.#sinceCount,
      requestBytes: this.#sinceRequestBytes,
      responseBytes: this.#sinceResponseBytes,
      durations: this.#since,
    };
  }

  clearDelta(): void {
    this.#sinceCount = 0;
    this.#sinceRequestBytes = 0;
    this.#sinceResponseBytes = 0;
    this.#since?.clear();
    this.#isDirty = false;
  }
}
