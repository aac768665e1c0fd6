/** Histograms: bucket borders, the error of quantiles, merging. */
import { describe, expect, test } from "bun:test";
import { bucketCount, bucketOf, bucketUpperUs, Histogram } from "./histogram.ts";

describe("Histogram", () => {
  test("puts every duration below its bucket's upper end and not below the one before", () => {
    for (let us = 0; us < 1_000_000; us = us < 5000 ? us + 1 : Math.floor(us * 1.01)) {
      const index = bucketOf(us);
      expect(us).toBeLessThan(bucketUpperUs(index));
      if (index > 0) expect(us).toBeGreaterThanOrEqual(bucketUpperUs(index - 1));
    }
  });

  test("keeps what is longer than it can tell apart in the last bucket", () => {
    expect(bucketOf(1e12)).toBe(bucketCount - 1);
    expect(bucketOf(-5)).toBe(0);
  });

  test("answers quantiles within half a bucket, and far nearer where durations are spread", () => {
    const histogram = new Histogram();
    for (let us = 1; us <= 100_000; us++) histogram.record(us);
    const off = (q: number): number => Math.abs(histogram.quantileUs(q) / (q * 100_000) - 1);
    for (const q of [0.5, 0.9, 0.99]) expect(off(q)).toBeLessThan(0.033);
    for (const q of [0.25, 0.5, 0.9]) expect(off(q)).toBeLessThan(0.001);
    const alone = new Histogram();
    for (let i = 0; i < 100; i++) alone.record(20_000);
    for (const q of [0.01, 0.5, 0.99]) expect(Math.abs(alone.quantileUs(q) / 20_000 - 1)).toBeLessThan(0.033);
    expect(new Histogram().quantileUs(0.5)).toBe(0);
  });

  test("keeps each duration in its bucket in whatever order they come", () => {
    const histogram = new Histogram();
    const durations = [5_000, 3, 70_000_000, 5_001, 40, 1e12];
    for (const us of durations) histogram.record(us);
    const expected = Map.groupBy(durations, bucketOf);
    const inOrder = [...expected]
      .map(([index, all]) => [index, all.length])
      .toSorted(([a = 0], [b = 0]) => a - b);
    expect([...histogram.buckets()].map(([index, count]) => [index, count])).toEqual(inOrder);
    histogram.clear();
    expect([...histogram.buckets()]).toEqual([]);
    histogram.record(3);
    expect([...histogram.buckets()]).toEqual([[3, 1]]);
  });

  test("merges to what one histogram of both would hold", () => {
    const [left, right, both] = [new Histogram(), new Histogram(), new Histogram()];
    for (let i = 0; i < 1000; i++) {
      (i % 2 ? left : right).record(i * 37);
      both.record(i * 37);
    }
    left.merge(right);
    expect([...left.buckets()]).toEqual([...both.buckets()]);
    expect(left.sumUs).toBe(both.sumUs);
  });
});
