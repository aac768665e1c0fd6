/**
 * PURE: what differs between two texts, line by line: the shortest edit by Myers' greedy algorithm ("An O(ND) difference
 * algorithm", 1986). Bounded: two texts that have very little in common are told as one replaced by the other.
 */

export interface LineEdit {
  /** Kept, taken away, added. */
  readonly type: " " | "-" | "+";
  readonly text: string;
}

/** Edits beyond which nobody reads on; the search costs their square. */
const maxEdits = 400;

/** Every line of both texts: kept, taken away, added. */
export function lineEdits(before: readonly string[], after: readonly string[]): LineEdit[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const kept = (text: string): LineEdit => ({ type: " ", text });
  const middle = shortestEdit(
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  );
  return [...before.slice(0, start).map(kept), ...middle, ...before.slice(before.length - end).map(kept)];
}

function shortestEdit(a: readonly string[], b: readonly string[]): LineEdit[] {
  const trace = forwardPaths(a, b);
  if (trace === undefined) {
    return [
      ...a.map((text): LineEdit => ({ type: "-", text })),
      ...b.map((text): LineEdit => ({ type: "+", text })),
    ];
  }
  const script: LineEdit[] = [];
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
