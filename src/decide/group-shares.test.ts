/** What share of the requests each locality takes, from how many of each are fit. */
import { describe, expect, test } from "bun:test";
import { type GroupState, shareBetween } from "./group-shares.ts";

/** `[fit, usable]` of one group for each level, in order. */
function levels(...groups: (readonly [number, number])[]): GroupState[] {
  return groups.map(([fit, usable], level) => ({ level, weight: 1, fit, usable, total: usable }));
}

function shares(groups: GroupState[], minFit = 0.7, panic = 0.5): readonly number[] {
  return shareBetween(groups, minFit, panic).shares.map((share) => Math.round(share * 1_000) / 1_000);
}

describe("shareBetween", () => {
  test.each<[string, readonly (readonly [number, number])[], readonly number[]]>([
    [
      "the nearest takes everything while enough of it are fit",
      [
        [10, 10],
        [5, 5],
      ],
      [1, 0],
    ],
    [
      "exactly enough",
      [
        [7, 10],
        [5, 5],
      ],
      [1, 0],
    ],
    [
      "the next takes what the nearest cannot",
      [
        [6, 10],
        [5, 5],
      ],
      [0.857, 0.143],
    ],
    [
      "and the one after it what that one cannot",
      [
        [3, 10],
        [1, 10],
        [9, 9],
      ],
      [0.429, 0.143, 0.429],
    ],
    [
      "a level of which nobody is fit is passed over",
      [
        [0, 10],
        [5, 5],
      ],
      [0, 1],
    ],
    [
      "together not enough: in proportion",
      [
        [3, 10],
        [3, 10],
      ],
      [0.5, 0.5],
    ],
    ["a single level", [[6, 10]], [1]],
    [
      "nobody at all, and no panic",
      [
        [0, 10],
        [0, 10],
      ],
      [1, 0],
    ],
  ])("%s", (_, groups, expected) => {
    expect(shares(levels(...groups), 0.7, 0)).toEqual([...expected]);
  });

  test("in a panic everybody takes part, wherever it is", () => {
    expect(shareBetween(levels([1, 6], [1, 2]), 0.7, 0.5)).toEqual({ isPanic: true, shares: [0.75, 0.25] });
    expect(shareBetween(levels([0, 6]), 0.7, 0.5).isPanic).toBe(true);
  });

  test("no panic while a farther level can carry everything", () => {
    expect(shareBetween(levels([0, 10], [2, 2]), 0.7, 0.5)).toEqual({ isPanic: false, shares: [0, 1] });
  });

  test("half of them are enough not to panic, and a threshold of 0 never does", () => {
    expect(shareBetween(levels([5, 10]), 0.7, 0.5).isPanic).toBe(false);
    expect(shareBetween(levels([0, 10]), 0.7, 0).isPanic).toBe(false);
  });

  test("groups of one level share by weight, each as far as its own are fit", () => {
    const group = (weight: number, fit: number, level = 0) => ({ level, weight, fit, usable: 10, total: 10 });
    expect(shares([group(80, 10), group(20, 10)])).toEqual([0.8, 0.2]);
    expect(shares([group(80, 10), group(20, 0), group(1, 10, 1)])).toEqual([0.8, 0, 0.2]);
    expect(shares([group(0, 10), group(0, 10), group(1, 10, 1)])).toEqual([0, 0, 1]);
  });

  test("what the control plane has taken out counts as not fit", () => {
    const [near, far] = levels([2, 2], [9, 9]);
    if (near === undefined || far === undefined) return;
    expect(shares([{ ...near, total: 10 }, far])).toEqual([0.286, 0.714]);
  });
});
