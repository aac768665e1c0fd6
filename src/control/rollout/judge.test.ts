/** Each rule of the judge, on both sides of its bounds. */
import { expect, test } from "bun:test";
import type { RolloutFigures } from "../../api/index.ts";
import { type Evidence, judge, type Verdict } from "./judge.ts";

const figures = (requests: number, failures = 0, p99Ms = 10): RolloutFigures => ({
  requests,
  failures,
  p99Ms,
});
const none = figures(0, 0, 0);
const evidence = (more: Partial<Evidence>): Evidence => ({
  ...{ canary: none, others: none, before: none, rejection: undefined, elapsedMs: 60_000, watchMs: 60_000 },
  ...more,
});

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
  ["slow, of too few", { canary: figures(199, 0, 900), others: figures(2_000, 0, 10) }, "go"],
  ["too few requests", { canary: figures(49), elapsedMs: 179_999 }, "watch"],
  ["too few for too long", { canary: figures(49), elapsedMs: 180_000 }, "back"],
  ["a rejection", { canary: figures(400), rejection: "no such cluster" }, "back"],
])("%s", (_name, more, expected) => {
  expect(judge(evidence(more)).what).toBe(expected);
});

test("says what it goes by", () => {
  const verdict = judge(
    evidence({ canary: figures(100, 20), others: figures(900, 9), before: figures(100, 1) }),
  );
  expect(verdict.reason).toBe("20.0 % of 100 requests failed; 1.0 % at the others, 1.0 % before");
});
