/** What differs between two outlines: the lines that do, with those around and above that say where they are. Bounded in length. */
import { type LineEdit, lineEdits } from "../../kernel/index.ts";

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

const defaultDiffBounds: DiffBounds = { context: 2, maxLines: 200 };

/** Empty where the texts are the same. */
export function lineDiff(
  before: readonly string[],
  after: readonly string[],
  bounds: DiffBounds = defaultDiffBounds,
): DiffLine[] {
  const edits = lineEdits(before, after);
  if (edits.every(({ type }) => type === " ")) return [];
  return bounded(withContext(edits, bounds.context), bounds.maxLines);
}

/** Changed lines, those next to them, and the lines of lesser indentation that they stand under. */
function withContext(edits: readonly LineEdit[], context: number): DiffLine[] {
  const shown = new Set<number>();
  for (const [index, { type, text }] of edits.entries()) {
    if (type === " ") continue;
    for (let near = index - context; near <= index + context; near++) shown.add(near);
    let indent = indentOf(text);
    for (let above = index - 1; above >= 0 && indent > 0; above--) {
      const line = edits[above];
      if (line === undefined || indentOf(line.text) >= indent + Number(line.type !== " ")) continue;
      // What stands above another changed line is shown for that one.
      if (line.type !== " ") break;
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
