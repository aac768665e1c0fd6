/**
 * Copies the field lines of a parsed head for the next hop, byte for byte and in runs as long as possible, without
 * what was for this hop only (RFC 9110 7.6.1) and what edits replace.
 */
import type { ByteWriter } from "../kernel/index.ts";
import { equalsName } from "./characters.ts";
import type { HeadEdits, HeaderLine } from "./header-line.ts";
import { field } from "./known-fields.ts";
import type { MessageHead } from "./message-head.ts";

interface FieldChoice {
  readonly keepsHost: boolean;
  readonly keepsContentLength: boolean;
  readonly keepsExpect: boolean;
  readonly keepsUpgrade: boolean;
  readonly edits: HeadEdits | undefined;
  /** Of this one message; replace fields of their names. */
  readonly lines: readonly HeaderLine[] | undefined;
}

export function copyFields(out: ByteWriter, head: MessageHead, choice: FieldChoice): void {
  const hasEdits = choice.edits !== undefined || choice.lines !== undefined;
  let runStart = head.fieldsStart;
  for (let i = 0; i < head.headerCount; i++) {
    const kind = head.kindAt(i);
    const isKept =
      kind === field.other ? !hasEdits || !isReplaced(head, i, choice) : isKindKept(kind, choice);
    if (isKept) continue;
    const lineStart = head.nameStart(i);
    if (lineStart > runStart) out.appendRange(head.bytes, runStart, lineStart);
    runStart = head.lineEnd(i);
  }
  if (head.fieldsEnd > runStart) out.appendRange(head.bytes, runStart, head.fieldsEnd);
  if (choice.edits !== undefined) {
    appendLines(out, choice.edits.set);
    appendLines(out, choice.edits.add);
  }
  if (choice.lines !== undefined) appendLines(out, choice.lines);
}

export function appendLines(out: ByteWriter, lines: readonly HeaderLine[]): void {
  for (const line of lines) out.append(line.bytes);
}

function isKindKept(kind: number, choice: FieldChoice): boolean {
  switch (kind) {
    case field.host:
      return choice.keepsHost;
    case field.contentLength:
      return choice.keepsContentLength;
    case field.expect:
      return choice.keepsExpect;
    case field.upgrade:
      return choice.keepsUpgrade;
    default:
      return false;
  }
}

function isReplaced(head: MessageHead, index: number, choice: FieldChoice): boolean {
  const start = head.nameStart(index);
  const end = head.nameEnd(index);
  const { edits, lines } = choice;
  if (edits !== undefined) {
    for (const name of edits.remove) if (equalsName(head.bytes, start, end, name)) return true;
    for (const line of edits.set) if (equalsName(head.bytes, start, end, line.nameLower)) return true;
  }
  if (lines === undefined) return false;
  for (const line of lines) if (equalsName(head.bytes, start, end, line.nameLower)) return true;
  return false;
}
