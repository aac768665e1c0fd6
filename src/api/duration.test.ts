/** Durations in the notation of Gateway API: what they mean in milliseconds, and what is none. */
import { expect, test } from "bun:test";
import { parseDurationMs } from "./duration.ts";

test.each([
  ["0s", 0],
  ["10ms", 10],
  ["1h30m", 5_400_000],
  ["1m1m", 120_000],
  ["1h2m3s4ms", 3_723_004],
  ["1.5s", undefined],
  ["", undefined],
  ["5", undefined],
  ["100000s", undefined],
  ["1h1h1h1h1h", undefined],
  ["-1s", undefined],
])("%s is %p ms", (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});
