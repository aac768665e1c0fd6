/** How large bodies were, in buckets: kept only where Istio's names are asked for, whose dashboards read quantiles of sizes. */

/** Upper bounds in bytes. */
export const sizeBounds: readonly number[] = [
  10, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000, 100_000_000,
];

export class SizeCounts {
  /** Not cumulative; the last one is for everything above the highest bound. */
  readonly requests = new Float64Array(sizeBounds.length + 1);
  readonly responses = new Float64Array(sizeBounds.length + 1);

  add(requestBytes: number, responseBytes: number): void {
    count(this.requests, requestBytes);
    count(this.responses, responseBytes);
  }
}

function count(buckets: Float64Array, bytes: number): void {
  let index = 0;
  while (index < sizeBounds.length && bytes > (sizeBounds[index] ?? 0)) index++;
  buckets[index] = (buckets[index] ?? 0) + 1;
}
