/** The counts of one series in one slot of time. Durations are kept sparse: an edge rarely fills more than a few buckets. */
import { bucketCount, type Histogram } from "../kernel/index.ts";
import type { EdgeDelta } from "../wire/index.ts";

export class Cell {
  count = 0;
  requestBytes = 0;
  responseBytes = 0;
  #sumUs = 0;
  /** Bucket index to count. */
  readonly #buckets = new Map<number, number>();

  add(edge: EdgeDelta): void {
    this.count += toNumber(edge.count);
    this.requestBytes += toNumber(edge.requestBytes);
    this.responseBytes += toNumber(edge.responseBytes);
    const duration = edge.duration;
    if (duration === undefined) return;
    this.#sumUs += toNumber(duration.sumUs);
    for (const [i, index] of duration.buckets.entries()) {
      // A report cannot make this larger than a histogram is.
      if (index >= bucketCount) continue;
      this.#buckets.set(index, (this.#buckets.get(index) ?? 0) + (duration.counts[i] ?? 0));
    }
  }

  mergeInto(histogram: Histogram): void {
    for (const [index, count] of this.#buckets) histogram.add(index, count);
    histogram.sumUs += this.#sumUs;
  }
}

/** Counts beyond 2^53 are no counts of requests in a few seconds: they are taken as nothing. */
export function toNumber(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(value);
}
