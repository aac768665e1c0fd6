/** Which fields of a message edits take away or replace. */
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";

export function isEdited(nameLower: string, edits: HeadEdits | undefined): boolean {
  if (edits === undefined) return false;
  if (edits.remove.includes(nameLower)) return true;
  for (const line of edits.set) if (line.nameLower === nameLower) return true;
  return false;
}

/** Lines of one message replace also what programs take for the same name (`meansName` of HTTP/1.1). */
export function isSetBy(nameLower: string, lines: readonly HeaderLine[]): boolean {
  for (const line of lines) {
    if (line.nameLower.length === nameLower.length && isSameName(line.nameLower, nameLower)) return true;
  }
  return false;
}

/** To programs that read fields as variables of an environment "_" and "-" are one. */
export function isSameName(nameLower: string, otherLower: string): boolean {
  return nameLower === otherLower || withHyphens(nameLower) === withHyphens(otherLower);
}

function withHyphens(name: string): string {
  return name.includes("_") ? name.replaceAll("_", "-") : name;
}
