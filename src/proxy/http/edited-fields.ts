/** Which fields of a message edits take away or replace. */
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";

export function isEdited(nameLower: string, edits: HeadEdits | undefined): boolean {
  return edits !== undefined && (edits.remove.includes(nameLower) || isSetBy(nameLower, edits.set));
}

export function isSetBy(nameLower: string, lines: readonly HeaderLine[]): boolean {
  for (const line of lines) if (line.nameLower === nameLower) return true;
  return false;
}
