/**
 * The figures of one label set: running totals for a scrape, and what came since the last report for the control plane.
 * Recording touches numbers only.
 */
import { Histogram } from "../../kernel/index.ts";
import type { SizeCounts } from "./size-counts.ts";

/**
 * Upper bounds in seconds: OpenTelemetry's for HTTP durations, with three below them because a hop inside a mesh
 * mostly ends under 5 ms, and five between them where services answer, so that neighbours are at most 2.5 apart below
 * 10 ms and 1.7 above.
 */
export const durationBoundsSeconds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1,
  1.5, 2.5, 5, 7.5, 10,
];

const boundsUs = Float64Array.from(durationBoundsSeconds, (seconds) => seconds * 1_000_000);

export interface CellDelta {
  readonly count: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durations: Histogram | undefined;
}

/** A trace that shows what a duration was made of. */
export interface Exemplar {
  readonly traceId: string;
  readonly durationUs: number;
  readonly timeMs: number;
}

export class SeriesCell {
  /** What `readOutcome` reads. */
  readonly key: number;
  /** Requests, or connections opened. */
  count = 0;
  requestBytes = 0;
  responseBytes = 0;
  /** Not cumulative; the last one is for everything above the highest bound. */
  readonly buckets = new Float64Array(boundsUs.length + 1);
  durationCount = 0;
  sumUs = 0;
  /** Only where sizes are told in buckets. */
  sizes: SizeCounts | undefined = undefined;
  /** The newest of a bucket, by its place in `buckets`. Made with the first one. */
  exemplars: Map<number, Exemplar> | undefined = undefined;
  idleReports = 0;
  #sinceCount = 0;
  #sinceRequestBytes = 0;
  #sinceResponseBytes = 0;
  /** Made with the first duration after a report and dropped when a whole interval brought none: 1.7 KB for busy cells only. */
  #since: Histogram | undefined;
  #isDirty = false;

  constructor(key: number) {
    this.key = key;
  }

  /** One finished request. */
  record(durationUs: number, requestBytes: number, responseBytes: number): void {
    this.open();
    this.transfer(requestBytes, responseBytes);
    this.observe(durationUs);
    if (this.sizes !== undefined) this.sizes.add(requestBytes, responseBytes);
  }

  open(): void {
    this.count++;
    this.#sinceCount++;
    this.#isDirty = true;
  }

  /** Connections that are open: those opened less those whose duration is known. */
  get openNow(): number {
    return this.count - this.durationCount;
  }

  transfer(requestBytes: number, responseBytes: number): void {
    this.requestBytes += requestBytes;
    this.responseBytes += responseBytes;
    this.#sinceRequestBytes += requestBytes;
    this.#sinceResponseBytes += responseBytes;
    this.#isDirty = true;
  }

  observe(durationUs: number): void {
    const index = bucketOfBounds(durationUs);
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.durationCount++;
    this.sumUs += durationUs;
    this.#since ??= new Histogram();
    this.#since.record(durationUs);
    this.#isDirty = true;
  }

  /** `exemplar` is of a request that was recorded; it takes the place of an older one of the same bucket. */
  exemplify(exemplar: Exemplar): void {
    this.exemplars ??= new Map();
    this.exemplars.set(bucketOfBounds(exemplar.durationUs), exemplar);
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

function bucketOfBounds(durationUs: number): number {
  let index = 0;
  while (index < boundsUs.length && durationUs > (boundsUs[index] ?? 0)) index++;
  return index;
}
