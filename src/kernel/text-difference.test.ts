/** A difference is checked by what it says: applied to the one text it must give the other. */
import { expect, test } from "bun:test";
import { array, assert, constantFrom, property } from "fast-check";
import { textDifference } from "./text-difference.ts";

/** Applies a difference, so that what it says is checked and not how it looks. */
function patched(before: string, lines: readonly string[]): string {
  const old = before.split("\n").slice(0, -1);
  const result: string[] = [];
  let place = 0;
  for (const line of lines) {
    const header = /^@@ -(\d+),(\d+) \+\d+,\d+ @@$/.exec(line);
    if (header !== null) {
      const start = Number(header[1]) - (header[2] === "0" ? 0 : 1);
      result.push(...old.slice(place, start));
      place = start;
      continue;
    }
    if (line.startsWith("+")) result.push(line.slice(1));
    else {
      expect(old[place++]).toBe(line.slice(1));
      if (line.startsWith(" ")) result.push(line.slice(1));
    }
  }
  return [...result, ...old.slice(place)].map((line) => `${line}\n`).join("");
}

test("shows what changed with three lines around it", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
  const after = before.with(4, "E");
  expect(textDifference(before.join("\n"), after.join("\n"))).toEqual([
    "@@ -2,7 +2,7 @@",
    ...[" b", " c", " d", "-e", "+E", " f", " g", " h"],
  ]);
});

test("says nothing of equal texts, and all of one that was not there", () => {
  expect(textDifference("a\n", "a\n")).toEqual([]);
  expect(textDifference("", "a\nb\n")).toEqual(["@@ -0,0 +1,2 @@", "+a", "+b"]);
  expect(textDifference("a\n", "")).toEqual(["@@ -1,1 +0,0 @@", "-a"]);
});

test("is bounded, and says what it left out", () => {
  const text = (letter: string): string =>
    Array.from({ length: 3_000 }, (_, i) => `${letter}${i}\n`).join("");
  const lines = textDifference(text("a"), text("b"), { maxLines: 10 });
  expect(lines.length).toBe(11);
  expect(lines.at(-1)).toBe("… 5991 more lines");
});

test("applied to the one text it gives the other, with as few edits as there can be for short ones", () => {
  const text = array(constantFrom("a", "b", "c"), { maxLength: 12 }).map((lines) =>
    lines.map((line) => `${line}\n`).join(""),
  );
  assert(
    property(text, text, (before, after) => {
      const lines = textDifference(before, after);
      expect(patched(before, lines)).toBe(after);
      const edits = lines.filter((line) => /^[+-]/.test(line)).length;
      expect(edits).toBe(before.length / 2 + after.length / 2 - 2 * common(before, after));
    }),
  );
});

/** Length of the longest common subsequence of lines of one letter. */
function common(before: string, after: string): number {
  const [a, b] = [before.replaceAll("\n", ""), after.replaceAll("\n", "")];
  const table = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0));
  const cell = (i: number, j: number): number => table[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const row = table[i];
      if (row !== undefined)
        row[j] = a[i - 1] === b[j - 1] ? cell(i - 1, j - 1) + 1 : Math.max(cell(i - 1, j), cell(i, j - 1));
    }
  }
  return cell(a.length, b.length);
}
