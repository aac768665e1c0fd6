/**
 * Copies the field lines of a parsed head for the next hop, byte for byte and in runs as long as possible, without
 * what was for this hop only (RFC 9110 7.6.1) and what edits replace.
 */
import type { ByteWriter } from "../kernel/index.ts";
import { equalsName, meansName } from "./characters.ts";
import { type HeadEdits, type HeaderLine, WrittenLine } from "./header-line.ts";
import { field } from "./known-fields.ts";
import type { MessageHead } from "./message-head.ts";

interface FieldChoice {
  readonly keepsHost: boolean;
  readonly keepsContentLength: boolean;
  readonly keepsExpect: boolean;
  readonly keepsUpgrade: boolean;
  readonly edits: HeadEdits | undefined;
  /** Of this one message; replace fields of their names, also where these have "_" for "-". */
  readonly lines: readonly HeaderLine[] | undefined;
}

export function copyFields(out: ByteWriter, head: MessageHead, choice: FieldChoice): void {
  const kept = keptKinds(choice);
  const replaced = replacedLengths(choice);
  let runStart = head.fieldsStart;
  // Most heads are copied as they are: nothing in them is for this hop, and nothing is to be replaced.
  const count = replaced === 0 && (head.kinds & ~kept) === 0 ? 0 : head.headerCount;
  for (let i = 0; i < count; i++) {
    const kind = head.kindAt(i);
    const isKept =
      kind === field.other
        ? replaced === 0 || !isReplaced(head, i, replaced, choice)
        : ((1 << kind) & kept) !== 0;
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
  for (const line of lines) {
    if (line instanceof WrittenLine) line.writeTo(out);
    else out.append(line.bytes);
  }
}

/** One bit for each kind. */
function keptKinds(choice: FieldChoice): number {
  let kept = 1 << field.other;
  if (choice.keepsHost) kept |= 1 << field.host;
  if (choice.keepsContentLength) kept |= 1 << field.contentLength;
  if (choice.keepsExpect) kept |= 1 << field.expect;
  if (choice.keepsUpgrade) kept |= 1 << field.upgrade;
  return kept;
}

/** One bit for each length (modulo 32) of a name that is replaced or removed: most fields need no further look. */
function replacedLengths({ edits, lines }: FieldChoice): number {
  let lengths = 0;
  if (edits !== undefined) {
    for (const name of edits.remove) lengths |= 1 << name.length;
    for (const line of edits.set) lengths |= 1 << line.nameLower.length;
  }
  if (lines !== undefined) for (const line of lines) lengths |= 1 << line.nameLower.length;
  return lengths;
}

function isReplaced(head: MessageHead, index: number, lengths: number, choice: FieldChoice): boolean {
  const start = head.nameStart(index);
  const end = head.nameEnd(index);
  if (((1 << (end - start)) & lengths) === 0) return false;
  const { edits, lines } = choice;
  if (edits !== undefined) {
    for (const name of edits.remove) if (equalsName(head.bytes, start, end, name)) return true;
    for (const line of edits.set) if (equalsName(head.bytes, start, end, line.nameLower)) return true;
  }
  if (lines === undefined) return false;
  for (const line of lines) if (meansName(head.bytes, start, end, line.nameLower)) return true;
  return false;
}
