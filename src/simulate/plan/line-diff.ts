/**
 * What differs between two texts, line by line: the shortest edit (Myers, "An O(ND) difference algorithm", 1986) as
 * long as it is short, with the lines around and above that say where it is. Bounded in work and in length.
 */

export interface DiffLine {
  /** `…` stands for lines that are left out. */
  readonly type: " " | "+" | "-" | "…";
  readonly text: string;
}

export interface DiffBounds {
  /** Unchanged lines before and after a change. */
  readonly context: number;
  /** Lines of the result; of more a last line says how many. */
  readonly maxLines: number;
}

export const defaultDiffBounds: DiffBounds = { context: 2, maxLines: 200 };

/** More edits than this are not looked for: then everything that is not the same at both ends counts as replaced. */
const maxEdits = 400;

/** Empty where the texts are the same. */
export function lineDiff(
  before: readonly string[],
  after: readonly string[],
  bounds: DiffBounds = defaultDiffBounds,
): DiffLine[] {
  const edits = editScript(before, after);
  if (edits.every(({ type }) => type === " ")) return [];
  return bounded(withContext(edits, bounds.context), bounds.maxLines);
}

/** Every line of both texts: kept, taken away, added. */
function editScript(before: readonly string[], after: readonly string[]): DiffLine[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const kept = (text: string): DiffLine => ({ type: " ", text });
  const middle = shortestEdit(
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  );
  return [...before.slice(0, start).map(kept), ...middle, ...before.slice(before.length - end).map(kept)];
}

function shortestEdit(a: readonly string[], b: readonly string[]): DiffLine[] {
  const trace = forwardPaths(a, b);
  if (trace === undefined) {
    return [
      ...a.map((text): DiffLine => ({ type: "-", text })),
      ...b.map((text): DiffLine => ({ type: "+", text })),
    ];
  }
  const script: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d];
    const k = x - y;
    const goesDown = k === -d || (k !== d && at(furthest, k - 1) < at(furthest, k + 1));
    const previousK = goesDown ? k + 1 : k - 1;
    const previousX = d === 0 ? 0 : at(furthest, previousK);
    const previousY = d === 0 ? 0 : previousX - previousK;
    while (x > previousX && y > previousY) {
      script.push({ type: " ", text: a[x - 1] ?? "" });
      x--;
      y--;
    }
    if (d === 0) break;
    if (goesDown) script.push({ type: "+", text: b[y - 1] ?? "" });
    else script.push({ type: "-", text: a[x - 1] ?? "" });
    x = previousX;
    y = previousY;
  }
  return script.toReversed();
}

/** For each number of edits, how far each diagonal had come before it; undefined: there are too many edits. */
function forwardPaths(a: readonly string[], b: readonly string[]): ReadonlyMap<number, number>[] | undefined {
  const most = Math.min(a.length + b.length, maxEdits);
  const trace: ReadonlyMap<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let d = 0; d <= most; d++) {
    trace.push(furthest);
    const next = new Map<number, number>();
    for (let k = -d; k <= d; k += 2) {
      const goesDown = k === -d || (k !== d && at(furthest, k - 1) < at(furthest, k + 1));
      let x = goesDown ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      next.set(k, x);
      if (x >= a.length && y >= b.length) return trace;
    }
    furthest = next;
  }
  return undefined;
}

function at(furthest: ReadonlyMap<number, number> | undefined, diagonal: number): number {
  return furthest?.get(diagonal) ?? -1;
}

/** Changed lines, those next to them, and the lines of lesser indentation that they stand under. */
function withContext(edits: readonly DiffLine[], context: number): DiffLine[] {
  const shown = new Set<number>();
  for (const [index, { type, text }] of edits.entries()) {
    if (type === " ") continue;
    for (let near = index - context; near <= index + context; near++) shown.add(near);
    let indent = indentOf(text);
    for (let above = index - 1; above >= 0 && indent > 0; above--) {
      const line = edits[above];
      if (line?.type !== " " || indentOf(line.text) >= indent) continue;
      indent = indentOf(line.text);
      shown.add(above);
    }
  }
  const result: DiffLine[] = [];
  let last = -1;
  for (const [index, line] of edits.entries()) {
    if (!shown.has(index)) continue;
    if (index > last + 1) result.push({ type: "…", text: "" });
    result.push(line);
    last = index;
  }
  if (last < edits.length - 1) result.push({ type: "…", text: "" });
  return result;
}

/** A dash is part of it: what belongs to an item stands under its first line. */
function indentOf(text: string): number {
  return /^ */.exec(text)?.[0].length ?? 0;
}

function bounded(lines: readonly DiffLine[], maxLines: number): DiffLine[] {
  if (lines.length <= maxLines) return [...lines];
  return [
    ...lines.slice(0, maxLines - 1),
    { type: "…", text: `and ${lines.length - maxLines + 1} more lines` },
  ];
}
