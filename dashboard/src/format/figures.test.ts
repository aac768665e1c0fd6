/** Figures are short, and never say "none" or "all" where it is not so. */
import { expect, test } from "bun:test";
import { formatBytes, formatCount, formatErrorShare, formatMs, formatRate, formatShare } from "./figures.ts";
import { formatAgo, formatSpan } from "./times.ts";

test.each([
  [0, "0"],
  [9.999, "10"],
  [12.34, "12.3"],
  [999, "999"],
  [999.7, "1k"],
  [1_234, "1.23k"],
  [1_000_000, "1M"],
  [Number.NaN, "–"],
])("the count %p is %p", (value, text) => expect(formatCount(value)).toBe(text));

test("rates that are small are not none", () => {
  expect([0, 0.004, 0.5, 1200].map(formatRate)).toEqual(["0", "<0.01", "0.5", "1.2k"]);
});

test("shares are not rounded to all or none", () => {
  expect([1, 0.99999, 0.5, 0].map(formatShare)).toEqual(["100 %", "99.99 %", "50.0 %", "0.0 %"]);
  expect([0, 0.000001, 0.0005, 0.2, 0.195].map(formatErrorShare)).toEqual([
    "0 %",
    "<0.01 %",
    "0.05 %",
    "20 %",
    "19.5 %",
  ]);
});

test("durations and sizes have a unit that fits", () => {
  expect([0.42, 12, 1_250, 90_000].map(formatMs)).toEqual(["0.42 ms", "12 ms", "1.25 s", "1.5 min"]);
  expect([640, 4_800, 5_000_000].map(formatBytes)).toEqual(["640 B", "4.8 kB", "5 MB"]);
});

test("times are told from now", () => {
  expect([
    formatAgo(0, 500),
    formatAgo(0, 90_000),
    formatAgo(7_200_000, 0),
    formatSpan(86_400_000 * 3),
  ]).toEqual(["now", "2 min ago", "in 2 h", "3 d"]);
});
