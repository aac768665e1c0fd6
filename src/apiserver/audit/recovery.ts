/** What a start finds at the end of the audit log, and the entries that settle it. Pure. */
import type { AuditFields, AuditHead } from "../../api/index.ts";
import { headOf } from "./audit-files.ts";

export interface RecoveryInput {
  /** Of the newest file; undefined: there is no file. */
  readonly tail: { readonly lines: readonly string[]; readonly cut: number } | undefined;
  readonly head: AuditHead;
  /** What the store remembers; undefined: nothing was ever anchored. */
  readonly anchor: AuditHead | undefined;
  /** The store's place may be in one of these. */
  readonly hasOlderFiles: boolean;
}

export interface Recovery {
  readonly entries: readonly AuditFields[];
  /** For the log. */
  readonly problems: readonly string[];
  /** As many numbers are never given: what is missing or was exchanged must stay visible for ever. */
  readonly skip: number;
}

export function recoveryEntries({ tail, head, anchor, hasOlderFiles }: RecoveryInput): Recovery {
  const problems: string[] = [];
  const entries: AuditFields[] = [];
  const lines = tail?.lines ?? [];
  const isShort = anchor !== undefined && anchor.seq > head.seq;
  if (isShort) problems.push(`entries ${head.seq + 1} to ${anchor.seq} are missing at the end`);
  const anchored =
    anchor === undefined ? undefined : lines.map(headOf).find((each) => each?.seq === anchor.seq);
  const isForeign =
    anchor !== undefined &&
    !isShort &&
    (anchored === undefined ? !hasOlderFiles : anchored.hash !== anchor.hash);
  if (isForeign) problems.push(`entry ${anchor.seq} is not the one that the store knows`);
  if (tail !== undefined && tail.cut > 0) {
    entries.push(ownEntry("recover", "ok", `an unfinished line of ${tail.cut} bytes was cut off`));
  }
  for (const problem of problems) entries.push(ownEntry("recover", "failed", problem));
  const open = openIntent(lines);
  if (open !== undefined) {
    // The commit moves the store's anchor to its intent, and nothing moves it on before the intent is settled.
    const isDone = anchor !== undefined && anchor.seq === open.head.seq && anchor.hash === open.head.hash;
    const message = `settled at the next start: the store ${isDone ? "has" : "does not have"} it`;
    entries.push({
      ...open.fields,
      objects: [],
      phase: "done",
      outcome: isDone ? "ok" : "not_done",
      message,
    });
  }
  const skip = isShort ? anchor.seq - head.seq : isForeign ? 1 : 0;
  return { entries, problems, skip };
}

function ownEntry(verb: string, outcome: "ok" | "failed", message: string): AuditFields {
  return {
    id: "",
    phase: "event",
    outcome,
    verb,
    user: "weft",
    method: "self",
    source: "",
    objects: [],
    message,
  };
}

/** Writes go one after another, so it is the last one. Refusals may have come in between. */
function openIntent(lines: readonly string[]): { fields: AuditFields; head: AuditHead } | undefined {
  const index = lines.findLastIndex((line) => line.includes(',"phase":"intent",'));
  const line = lines[index];
  const head = headOf(line);
  if (line === undefined || head === undefined) return undefined;
  const { seq: _seq, time: _time, prev: _prev, hash: _hash, ...fields } = JSON.parse(line);
  const isDone = lines
    .slice(index + 1)
    .some(
      (each) => each.includes(',"phase":"done",') && each.includes(`,"id":${JSON.stringify(fields.id)},`),
    );
  return isDone || fields.phase !== "intent" ? undefined : { fields, head };
}
