/** Field lines, of heads and of trailers: strict RFC 9112 5, one pass over the bytes, no string made. */
import { carriageReturn, colon, lineFeed, space, tab, tokenLower } from "./characters.ts";
import { fault, incomplete } from "./faults.ts";
import type { FieldTable } from "./field-table.ts";
import type { MessageHead } from "./message-head.ts";

export interface SectionBounds {
  /** The section starts here and must be complete within `maxBytes`. */
  start: number;
  readonly maxBytes: number;
  readonly maxFields: number;
  /** Filled anew for each section. */
  readonly table: FieldTable;
}

/**
 * Reads lines from `at` on up to and including the empty line. Returns the position after it, `incomplete`, or a
 * fault; the fault is that of the first byte that is wrong, however the bytes were cut.
 */
export function parseFields(head: MessageHead, from: number, end: number, bounds: SectionBounds): number {
  const bytes = head.bytes;
  const table = bounds.table;
  table.clear();
  const stop = Math.min(end, bounds.start + bounds.maxBytes);
  const ranOut = end - bounds.start >= bounds.maxBytes ? fault.headTooLarge : incomplete;
  let at = from;
  head.fieldsStart = from;
  for (;;) {
    if (at >= stop) return ranOut;
    const first = bytes[at] ?? 0;
    if (first === carriageReturn) {
      if (at + 1 >= stop) return ranOut;
      if (bytes[at + 1] !== lineFeed) return fault.bareCarriageReturn;
      head.fieldsEnd = at;
      head.takeFields(table);
      return at + 2;
    }
    if (tokenLower[first] === 0) return faultOfFirstByte(first);
    if (table.count === bounds.maxFields) return fault.tooManyFields;

    const nameStart = at++;
    while (at < stop && tokenLower[bytes[at] ?? 0] !== 0) at++;
    if (at >= stop) return ranOut;
    const nameEnd = at;
    const separator = bytes[at];
    if (separator !== colon) {
      return separator === space || separator === tab ? fault.spaceBeforeColon : fault.badName;
    }
    table.addName(bytes, nameStart, nameEnd);
    at++;
    while (at < stop && (bytes[at] === space || bytes[at] === tab)) at++;
    const valueStart = at;
    // RFC 9110 5.5: visible ASCII, obs-text, space and tab. Compared and not looked up: this loop sees most of a head's bytes.
    for (; at < stop; at++) {
      const byte = bytes[at] ?? 0;
      if (byte < space ? byte !== tab : byte === 0x7f) break;
    }
    if (at >= stop) return ranOut;
    let valueEnd = at;
    if (bytes[at] !== carriageReturn) {
      return bytes[at] === lineFeed ? fault.bareLineFeed : fault.badValue;
    }
    if (at + 1 >= stop) return ranOut;
    if (bytes[at + 1] !== lineFeed) return fault.bareCarriageReturn;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === space || bytes[valueEnd - 1] === tab))
      valueEnd--;
    at += 2;
    table.addValue(valueStart, valueEnd);
  }
}

function faultOfFirstByte(byte: number): number {
  if (byte === space || byte === tab) return fault.leadingSpace;
  return byte === lineFeed ? fault.bareLineFeed : fault.badName;
}
