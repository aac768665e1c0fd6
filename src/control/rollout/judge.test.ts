/** Each rule of the judge, on both sides of its bounds. */
import { expect, test } from "bun:test";
import type { RolloutFigures } from "../../api/index.ts";
import { type Evidence, judge, type Verdict } from "./judge.ts";
import { windowCount } from "./windows.ts";

const figures = (requests: number, failures = 0, p99Ms = 10): RolloutFigures => ({
  requests,
  failures,
  p99Ms,
});
const none = figures(0, 0, 0);
const evidence = (more: Partial<Evidence>): Evidence => ({
  ...{ canary: none, others: none, before: none, rejection: undefined, elapsedMs: 60_000, watchMs: 60_000 },
  // Unless told otherwise it was all the time as it was on the whole.
  recent: Array.from({ length: windowCount }, () => more.canary ?? none),
  ...more,
});
/** Slow on the whole, and in these windows, newest first. */
const slowIn = (...recent: readonly RolloutFigures[]): Partial<Evidence> => ({
  ...{ canary: figures(400, 0, 300), others: figures(4_000), recent },
});
const [slow, fast] = [figures(20, 0, 300), figures(20)];

test.each<[string, Partial<Evidence>, Verdict["what"]]>([
  ["a good one, in time", { canary: figures(400), others: figures(4_000, 4) }, "go"],
  ["a good one, not yet", { canary: figures(400), others: figures(4_000), elapsedMs: 59_999 }, "watch"],
  [
    "failures, long before its time",
    { canary: figures(50, 10), others: figures(450, 1), elapsedMs: 5_000 },
    "back",
  ],
  ["four failures, of whom nobody knows", { canary: figures(50, 4), others: figures(450) }, "go"],
  ["failures that the others have too", { canary: figures(100, 20), others: figures(900, 180) }, "go"],
  [
    "failures that it had before",
    { canary: figures(100, 20), others: figures(900), before: figures(100, 19) },
    "go",
  ],
  [
    "worse than others and before",
    { canary: figures(100, 20), others: figures(900, 9), before: figures(100, 1) },
    "back",
  ],
  ["too little worse to be sure", { canary: figures(300, 6), others: figures(300, 3) }, "go"],
  ["less than a point worse, surely", { canary: figures(100_000, 900), others: figures(100_000, 0) }, "go"],
  ["nobody to compare with, 5 % failed", { canary: figures(100, 5) }, "back"],
  ["nobody to compare with, less failed", { canary: figures(200, 9) }, "go"],
  ["slower by half and by 20 ms", { canary: figures(200, 0, 91), others: figures(2_000, 0, 60) }, "back"],
  ["slower by less than half", { canary: figures(200, 0, 89), others: figures(2_000, 0, 60) }, "go"],
  ["slower by less than 20 ms", { canary: figures(200, 0, 29), others: figures(2_000, 0, 10) }, "go"],
  [
    "as slow as before",
    { canary: figures(200, 0, 91), others: figures(2_000, 0, 10), before: figures(200, 0, 90) },
    "go",
  ],
  [
    "as slow as before, of few",
    { canary: figures(250, 0, 36), others: figures(800, 0, 11), before: figures(120, 0, 31) },
    "go",
  ],
  ["slow in every window", slowIn(slow, slow, slow, slow), "back"],
  [
    "slow in every window, long before its time",
    { ...slowIn(slow, slow, slow, slow), elapsedMs: 30_000 },
    "back",
  ],
  ["slow until a while ago", slowIn(fast, slow, slow, slow), "go"],
  ["slow for a moment long ago", slowIn(fast, fast, fast, slow), "go"],
  ["slow again and again", slowIn(slow, fast, slow, slow), "watch"],
  ["slow since a moment ago", slowIn(slow, slow, slow, fast), "watch"],
  [
    "slow since a moment ago, before its time",
    { ...slowIn(slow, fast, fast, fast), elapsedMs: 30_000 },
    "watch",
  ],
  ["slow in all of three windows", slowIn(slow, slow, slow), "watch"],
  ["slow, before there was a window", slowIn(), "watch"],
  ["slow, of too few in one window", slowIn(slow, slow, figures(9, 0, 300), slow), "watch"],
  ["slow, and too few now to tell", slowIn(figures(9), slow, slow, slow), "watch"],
  ["slow again and again, for too long", { ...slowIn(slow, fast, slow, slow), elapsedMs: 180_000 }, "back"],
  [
    "slow in every window, but not on the whole",
    { ...slowIn(slow, slow, slow, slow), canary: figures(4_000) },
    "go",
  ],
  ["slow, of too few", { canary: figures(199, 0, 900), others: figures(2_000, 0, 10) }, "go"],
  ["too few requests", { canary: figures(49), elapsedMs: 179_999 }, "watch"],
  ["too few for too long", { canary: figures(49), elapsedMs: 180_000 }, "back"],
  ["a rejection", { canary: figures(400), rejection: "no such cluster" }, "back"],
])("%s", (_name, more, expected) => {
  expect(judge(evidence(more)).what).toBe(expected);
});

test.each<[string, Partial<Evidence>]>([
  [
    "20.0 % of 100 requests failed; 1.0 % at the others, 1.0 % before",
    { canary: figures(100, 20), others: figures(900, 9), before: figures(100, 1) },
  ],
  ["p99 is 300 ms; 10 ms at the others", slowIn(slow, slow, slow, slow)],
  ["p99 is 300 ms; 10 ms at the others; waiting for more", slowIn(slow)],
  ["p99 is 300 ms; 10 ms at the others, after 3 times the time", { ...slowIn(slow), elapsedMs: 180_000 }],
])("says what it goes by: %s", (reason, more) => {
  expect(judge(evidence(more)).reason).toBe(reason);
});
