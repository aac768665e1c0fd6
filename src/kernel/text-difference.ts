/**
 * PURE: the unified difference of two texts, line by line, by Myers' greedy algorithm (An O(ND) Difference Algorithm, 1986).
 * Bounded: two texts that have very little in common are told as one replaced by the other.
 */

/** Edits beyond which nobody reads on; the search costs their square. */
const maxEdits = 300;
const contextLines = 3;

export interface DifferenceOptions {
  /** Most lines of the answer; one more says how many were left out. Default 500. */
  readonly maxLines?: number;
}

interface Step {
  readonly sign: " " | "-" | "+";
  readonly line: string;
}

/** Lines as `diff -u` gives them, without the two lines of names. Empty where the texts are the same. */
export function textDifference(
  before: string,
  after: string,
  { maxLines = 500 }: DifferenceOptions = {},
): string[] {
  if (before === after) return [];
  const lines = hunks(steps(linesOf(before), linesOf(after)));
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines), `… ${lines.length - maxLines} more lines`];
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function steps(before: readonly string[], after: readonly string[]): Step[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  const same = (lines: readonly string[]): Step[] => lines.map((line) => ({ sign: " ", line }));
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

function middle(before: readonly string[], after: readonly string[]): Step[] {
  const trail = search(before, after);
  if (trail === undefined) {
    return [
      ...before.map((line): Step => ({ sign: "-", line })),
      ...after.map((line): Step => ({ sign: "+", line })),
    ];
  }
  return retrace(before, after, trail);
}

/** For each number of edits, how far each diagonal reached before it. Undefined: too many edits. */
function search(before: readonly string[], after: readonly string[]): Map<number, number>[] | undefined {
  const reach = new Map<number, number>([[1, 0]]);
  const trail: Map<number, number>[] = [];
  for (let edits = 0; edits <= Math.min(maxEdits, before.length + after.length); edits++) {
    trail.push(new Map(reach));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = isInsertion(reach, diagonal, edits) ? at(reach, diagonal + 1) : at(reach, diagonal - 1) + 1;
      let y = x - diagonal;
      while (x < before.length && y < after.length && before[x] === after[y]) {
        x++;
        y++;
      }
      reach.set(diagonal, x);
      if (x >= before.length && y >= after.length) return trail;
    }
  }
  return undefined;
}

function retrace(
  before: readonly string[],
  after: readonly string[],
  trail: readonly Map<number, number>[],
): Step[] {
  const reversed: Step[] = [];
  let [x, y] = [before.length, after.length];
  for (let edits = trail.length - 1; edits >= 0; edits--) {
    const reach = trail[edits] ?? new Map<number, number>();
    const diagonal = x - y;
    const isDown = isInsertion(reach, diagonal, edits);
    const previousX = at(reach, isDown ? diagonal + 1 : diagonal - 1);
    const previousY = previousX - (isDown ? diagonal + 1 : diagonal - 1);
    while (x > previousX && y > previousY && x > 0 && y > 0) {
      reversed.push({ sign: " ", line: before[--x] ?? "" });
      y--;
    }
    if (edits === 0) break;
    if (isDown) reversed.push({ sign: "+", line: after[--y] ?? "" });
    else reversed.push({ sign: "-", line: before[--x] ?? "" });
  }
  return reversed.toReversed();
}

function isInsertion(reach: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  return diagonal === -edits || (diagonal !== edits && at(reach, diagonal - 1) < at(reach, diagonal + 1));
}

function at(reach: ReadonlyMap<number, number>, diagonal: number): number {
  return reach.get(diagonal) ?? 0;
}

function hunks(all: readonly Step[]): string[] {
  const lines: string[] = [];
  let [oldLine, newLine, index] = [1, 1, 0];
  while (index < all.length) {
    const first = all.findIndex(({ sign }, place) => place >= index && sign !== " ");
    if (first === -1) break;
    const from = Math.max(index, first - contextLines);
    oldLine += from - index;
    newLine += from - index;
    const to = endOfHunk(all, first);
    const hunk = all.slice(from, to);
    const oldCount = hunk.filter(({ sign }) => sign !== "+").length;
    const newCount = hunk.filter(({ sign }) => sign !== "-").length;
    lines.push(`@@ -${range(oldLine, oldCount)} +${range(newLine, newCount)} @@`);
    for (const { sign, line } of hunk) lines.push(`${sign}${line}`);
    oldLine += oldCount;
    newLine += newCount;
    index = to;
  }
  return lines;
}

/** Hunks whose contexts would touch are one. */
function endOfHunk(all: readonly Step[], first: number): number {
  let last = first;
  for (let index = first + 1; index < all.length && index - last <= 2 * contextLines; index++) {
    if (all[index]?.sign !== " ") last = index;
  }
  return Math.min(all.length, last + contextLines + 1);
}

/** As `diff -u`: of an empty range the line before it is named. */
function range(start: number, count: number): string {
  return `${count === 0 ? start - 1 : start},${count}`;
}
