/** Tables that fit the terminal: the widest column gives way first. Without a terminal nothing is cut. */
import { plainText } from "./plain-text.ts";

const gap = 3;
/** A column is never cut below this, so that a name can still be told from another. */
const minColumnWidth = 8;

export interface TableOptions {
  readonly width?: number | undefined;
  /** Indices of the columns that are numbers. */
  readonly right?: readonly number[];
}

export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const cells = [header, ...rows].map((row) => header.map((_, i) => plainText(row[i] ?? "")));
  const widths = header.map((_, i) => Math.max(...cells.map((row) => Bun.stringWidth(row[i] ?? ""))));
  if (options.width !== undefined) shrink(widths, options.width);
  return cells.map((row) => `${formatRow(row, widths, options.right ?? [])}\n`).join("");
}

function shrink(widths: number[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1) - available;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= minColumnWidth) return; // a terminal this narrow wraps
    widths[widths.indexOf(widest)] = widest - 1;
    excess--;
  }
}

function formatRow(row: readonly string[], widths: readonly number[], right: readonly number[]): string {
  const columns = row.map((cell, i) => {
    const width = widths[i] ?? 0;
    const text = truncate(cell, width);
    const padding = " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
    return right.includes(i) ? padding + text : text + padding;
  });
  return columns.join(" ".repeat(gap)).trimEnd();
}

function truncate(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let result = "";
  for (const character of text) {
    if (Bun.stringWidth(result + character) > width - 1) break;
    result += character;
  }
  return `${result}…`;
}
