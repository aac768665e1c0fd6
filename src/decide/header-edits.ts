/**
 * Header edits made ready for a codec: every line encoded once, when configuration is prepared. A filter removes,
 * then sets, then adds; the edits of a rule and then of its backend fold into one such step (`then`).
 */
import { WeftError } from "../kernel/index.ts";
import type { HeaderEdits } from "../model/index.ts";

/** Same shape as the codecs' header line, so that edits are handed on as they are. */
export interface PreparedHeader {
  readonly nameLower: string;
  readonly value: string;
  /** `name: value\r\n`, for a codec that writes field lines. */
  readonly bytes: Uint8Array;
}

export class PreparedEdits {
  /** Replaces every line of that name. */
  readonly set: readonly PreparedHeader[];
  /** Appended beside what is there. */
  readonly add: readonly PreparedHeader[];
  /** Lower case. */
  readonly remove: readonly string[];

  private constructor(
    set: readonly PreparedHeader[],
    add: readonly PreparedHeader[],
    remove: readonly string[],
  ) {
    this.set = set;
    this.add = add;
    this.remove = remove;
  }

  /** Undefined where there is nothing to do, so that a codec's fast path is one comparison. Throws `bad_input` for a line that would not be one field. */
  static prepare(edits: HeaderEdits | undefined): PreparedEdits | undefined {
    if (edits === undefined) return undefined;
    if (edits.set.length + edits.add.length + edits.remove.length === 0) return undefined;
    return new PreparedEdits(
      edits.set.map(prepareHeader),
      edits.add.map(prepareHeader),
      edits.remove.map((name) => name.toLowerCase()),
    );
  }

  /** The one edit that does `first`, then `second`. */
  static then(
    first: PreparedEdits | undefined,
    second: PreparedEdits | undefined,
  ): PreparedEdits | undefined {
    if (first === undefined || second === undefined) return first ?? second;
    const replaced = new Set([...second.remove, ...second.set.map((header) => header.nameLower)]);
    const survives = (header: PreparedHeader): boolean => !replaced.has(header.nameLower);
    return new PreparedEdits(
      [...first.set.filter(survives), ...second.set],
      [...first.add.filter(survives), ...second.add],
      [...new Set([...first.remove, ...second.remove])],
    );
  }
}

const encoder = new TextEncoder();
const token = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** RFC 9110 section 5.5: no control bytes, no space at either end. */
// oxlint-disable-next-line no-control-regex
const fieldValue = /^[^\u0000-\u0020\u007f](?:[^\u0000-\u0008\u000a-\u001f\u007f]*[^\u0000-\u0020\u007f])?$/;

/** The control plane refused such edits already; here a line break would let a value begin a field of its own. */
export function prepareHeader(header: { readonly name: string; readonly value: string }): PreparedHeader {
  const nameLower = header.name.toLowerCase();
  if (!token.test(nameLower) || (header.value !== "" && !fieldValue.test(header.value))) {
    throw new WeftError(
      "bad_input",
      `header edit of ${JSON.stringify(header.name)} has an invalid name or value`,
    );
  }
  return { nameLower, value: header.value, bytes: encoder.encode(`${nameLower}: ${header.value}\r\n`) };
}
