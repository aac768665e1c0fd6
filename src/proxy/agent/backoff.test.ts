/** The waits between attempts. */
import { expect, test } from "bun:test";
import { Backoff } from "./backoff.ts";

test("waits double up to the longest, half of each by chance, and start anew after a success", () => {
  const shortest = new Backoff({ minMs: 100, maxMs: 1000 }, () => 0);
  const longest = new Backoff({ minMs: 100, maxMs: 1000 }, () => 0.999999);
  const of = (backoff: Backoff): number[] => Array.from({ length: 6 }, () => Math.round(backoff.nextMs()));
  expect(of(shortest)).toEqual([50, 100, 200, 400, 500, 500]);
  expect(of(longest)).toEqual([100, 200, 400, 800, 1000, 1000]);
  shortest.reset();
  expect(shortest.nextMs()).toBe(50);
  for (let i = 0; i < 10_000; i++) longest.nextMs();
  expect(longest.nextMs()).toBeLessThanOrEqual(1000);
});
