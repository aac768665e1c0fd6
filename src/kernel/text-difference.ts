/** PURE: the unified difference of two texts, as `diff -u` writes it. */
import { type LineEdit, lineEdits } from "./line-edits.ts";

const contextLines = 3;

export interface DifferenceOptions {
  /** Most lines of the answer; one more says how many were left out. Default 500. */
  readonly maxLines?: number;
}

/** Lines as `diff -u` gives them, without the two lines of names. Empty where the texts are the same. */
export function textDifference(
  before: string,
  after: string,
  { maxLines = 500 }: DifferenceOptions = {},
): string[] {
  if (before === after) return [];
  const lines = hunks(lineEdits(linesOf(before), linesOf(after)));
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines), `… ${lines.length - maxLines} more lines`];
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function hunks(all: readonly LineEdit[]): string[] {
  const lines: string[] = [];
  let [oldLine, newLine, index] = [1, 1, 0];
  while (index < all.length) {
    const first = all.findIndex(({ type }, place) => place >= index && type !== " ");
    if (first === -1) break;
    const from = Math.max(index, first - contextLines);
    oldLine += from - index;
    newLine += from - index;
    const to = endOfHunk(all, first);
    const hunk = all.slice(from, to);
    const oldCount = hunk.filter(({ type }) => type !== "+").length;
    const newCount = hunk.filter(({ type }) => type !== "-").length;
    lines.push(`@@ -${range(oldLine, oldCount)} +${range(newLine, newCount)} @@`);
    for (const { type, text } of hunk) lines.push(`${type}${text}`);
    oldLine += oldCount;
    newLine += newCount;
    index = to;
  }
  return lines;
}

/** Hunks whose contexts would touch are one. */
function endOfHunk(all: readonly LineEdit[], first: number): number {
  let last = first;
  for (let index = first + 1; index < all.length && index - last <= 2 * contextLines; index++) {
    if (all[index]?.type !== " ") last = index;
  }
  return Math.min(all.length, last + contextLines + 1);
}

/** As `diff -u`: of an empty range the line before it is named. */
function range(start: number, count: number): string {
  return `${count === 0 ? start - 1 : start},${count}`;
}
