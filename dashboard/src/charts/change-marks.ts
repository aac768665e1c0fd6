/** Where configuration changed: which commits fall into a chart, and which one the pointer is at. */
import type { HistoryEntry } from "../api/documents.ts";

export interface Mark {
  readonly timeMs: number;
  /** Newest last; several within a moment share a mark. */
  readonly entries: readonly HistoryEntry[];
}

/** More would be a hatching. */
const maxMarks = 60;

export function marksWithin(
  history: readonly HistoryEntry[],
  fromMs: number,
  toMs: number,
  joinMs: number,
): readonly Mark[] {
  const within = history
    .filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs)
    .toSorted((a, b) => a.timeMs - b.timeMs);
  const marks: { timeMs: number; entries: HistoryEntry[] }[] = [];
  for (const entry of within) {
    const last = marks.at(-1);
    if (last !== undefined && entry.timeMs - last.timeMs < joinMs) last.entries.push(entry);
    else marks.push({ timeMs: entry.timeMs, entries: [entry] });
  }
  return marks.slice(-maxMarks);
}

/** The nearest within `reach` pixels. */
export function markAt(
  marks: readonly Mark[],
  x: number,
  xOf: (timeMs: number) => number,
  reach: number,
): Mark | undefined {
  let nearest: Mark | undefined;
  let distance = reach;
  for (const mark of marks) {
    const away = Math.abs(xOf(mark.timeMs) - x);
    if (away > distance) continue;
    nearest = mark;
    distance = away;
  }
  return nearest;
}

/** `3 objects` or the one that it was. */
export function changesText({ changes }: HistoryEntry): string {
  const [only] = changes;
  if (only === undefined) return "nothing";
  if (changes.length > 1) return `${changes.length} objects`;
  return `${only.kind} ${only.namespace === "" ? only.name : `${only.namespace}/${only.name}`} ${only.outcome}`;
}
