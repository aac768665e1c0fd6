/** Reads entries back, the newest of those that are asked for, for whoever may see them. */
import { statSync } from "node:fs";
import type { AuditEntry } from "../../api/index.ts";
import { linesOf } from "./audit-files.ts";

export interface EntriesAsked {
  readonly limit: number;
  readonly sinceMs: number;
}

/** In the order in which they were written. Lines that cannot be read are for `verify` to tell of. */
export async function auditedSince(
  files: readonly string[],
  { limit, sinceMs }: EntriesAsked,
): Promise<AuditEntry[]> {
  let newest: AuditEntry[] = [];
  for (const file of files.toReversed()) {
    // What was last written before has nothing younger in it, nor has anything older.
    if (newest.length >= limit || statSync(file).mtimeMs < sinceMs) break;
    const entries: AuditEntry[] = [];
    for await (const { line } of linesOf(file)) {
      const entry = parseEntry(line);
      if (entry === undefined || Date.parse(entry.time) < sinceMs) continue;
      entries.push(entry);
      if (entries.length > limit) entries.shift();
    }
    newest = [...entries, ...newest].slice(-limit);
  }
  return newest;
}

function parseEntry(line: string): AuditEntry | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
