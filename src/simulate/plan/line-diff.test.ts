/** Differences of texts: they lead from one to the other, are short, and are bounded. */
import { expect, test } from "bun:test";
import { array, assert, constantFrom, property } from "fast-check";
import { type DiffLine, lineDiff } from "./line-diff.ts";

const everything = { context: 1_000, maxLines: 100_000 };

function side(diff: readonly DiffLine[], sign: "+" | "-"): string[] {
  return diff.filter(({ type }) => type === " " || type === sign).map(({ text }) => text);
}

test("equal texts have no difference", () => {
  expect(lineDiff(["a", "b"], ["a", "b"])).toEqual([]);
  expect(lineDiff([], [])).toEqual([]);
});

test("a difference leads from one text to the other", () => {
  const text = array(constantFrom("a", "b", "  c", "  d"), { maxLength: 30 });
  assert(
    property(text, text, (before, after) => {
      const diff = lineDiff(before, after, everything);
      if (diff.length === 0) return expect(before).toEqual(after);
      expect(side(diff, "-")).toEqual(before);
      expect(side(diff, "+")).toEqual(after);
    }),
  );
});

test("no line is said to have changed that did not have to", () => {
  const changed = lineDiff(["a", "b", "c", "d"], ["a", "c", "x", "d"], everything);
  expect(changed.filter(({ type }) => type !== " ").map(({ type, text }) => type + text)).toEqual([
    "-b",
    "+x",
  ]);
});

test("a change is shown with what it stands under, and what is far from it is left out", () => {
  const before = ["top:", "  a: 1", "  b: 2", "  c: 3", "  d: 4", "  list:", "    x: 5", "end: 6"];
  const after = before.map((line) => line.replace("d: 4", "d: 7"));
  expect(lineDiff(before, after, { context: 1, maxLines: 50 }).map(({ type, text }) => type + text)).toEqual([
    " top:",
    "…",
    "   c: 3",
    "-  d: 4",
    "+  d: 7",
    "   list:",
    "…",
  ]);
});

test("a long difference is cut and says by how much", () => {
  const many = Array.from({ length: 1_000 }, (_, index) => `line ${index}`);
  const diff = lineDiff([], many, { context: 2, maxLines: 10 });
  expect(diff.length).toBe(10);
  expect(diff.at(-1)).toEqual({ type: "…", text: "and 991 more lines" });
});

test("texts that have little in common take no longer than their length", () => {
  const lines = (sign: string) => Array.from({ length: 20_000 }, (_, index) => `${sign}${index}`);
  const before = process.cpuUsage();
  lineDiff(lines("a"), lines("b"));
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
});
