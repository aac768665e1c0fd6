/** Request line and status line, RFC 9112 3 and 4. */
import { carriageReturn, isFieldByte, isTargetByte, lineFeed, space, tokenLower } from "./characters.ts";
import { fault, incomplete } from "./faults.ts";
import type { Http1Limits } from "./limits.ts";
import type { MessageHead } from "./message-head.ts";
import type { RequestHead } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";

/** Longer than every registered method; RFC 9112 3 asks for 501 on methods that are too long. */
const maxMethodBytes = 32;
/** "HTTP/1.1" */
const versionBytes = 8;
const versionName = Buffer.from("HTTP/", "latin1");

/** Returns where the first field line starts, `incomplete`, or a fault. */
export function parseRequestLine(head: RequestHead, from: number, end: number, limits: Http1Limits): number {
  const bytes = head.bytes;
  let at = skipEmptyLine(bytes, from, end);
  if (at < 0) return at;
  head.methodStart = at;
  while (at < end && tokenLower[bytes[at] ?? 0] !== 0) at++;
  if (at - head.methodStart > maxMethodBytes) return fault.methodTooLong;
  if (at >= end) return incomplete;
  if (bytes[at] !== space || at === head.methodStart) return fault.badMethod;
  head.methodEnd = at++;

  head.targetStart = at;
  const longest = Math.min(end, at + limits.maxTargetBytes + 1);
  while (at < longest && isTargetByte[bytes[at] ?? 0] === 1) at++;
  if (at - head.targetStart > limits.maxTargetBytes) return fault.targetTooLong;
  if (at >= end) return incomplete;
  if (bytes[at] !== space || at === head.targetStart) return fault.badTarget;
  head.targetEnd = at++;

  at = parseVersion(bytes, at, end, head);
  return at < 0 ? at : endOfLine(bytes, at, end, fault.badVersion);
}

/** Returns where the first field line starts, `incomplete`, or a fault. */
export function parseStatusLine(head: ResponseHead, from: number, end: number): number {
  const bytes = head.bytes;
  let at = parseVersion(bytes, from, end, head);
  if (at < 0) return at;
  if (at >= end) return incomplete;
  if (bytes[at] !== space) return fault.badStatus;
  head.statusStart = ++at;
  let status = 0;
  for (; at < head.statusStart + 3; at++) {
    if (at >= end) return incomplete;
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return fault.badStatus;
    status = status * 10 + digit;
  }
  if (status < 100) return fault.badStatus;
  head.status = status;
  if (at >= end) return incomplete;
  // The space before an empty reason phrase is often left out, and nothing can be meant by that.
  if (bytes[at] === space) while (at < end && isFieldByte[bytes[at] ?? 0] === 1) at++;
  head.statusLineEnd = at;
  return endOfLine(bytes, at, end, fault.badStatus);
}

/** RFC 9112 2.2: one empty line before a request is forgiven, as some clients end a body with it. */
function skipEmptyLine(bytes: Uint8Array, from: number, end: number): number {
  if (from >= end) return incomplete;
  if (bytes[from] === lineFeed) return fault.bareLineFeed;
  if (bytes[from] !== carriageReturn) return from;
  if (from + 1 >= end) return incomplete;
  if (bytes[from + 1] !== lineFeed) return fault.bareCarriageReturn;
  if (from + 2 >= end) return incomplete;
  if (bytes[from + 2] === lineFeed) return fault.bareLineFeed;
  return bytes[from + 2] === carriageReturn ? fault.emptyLines : from + 2;
}

function parseVersion(bytes: Uint8Array, from: number, end: number, head: MessageHead): number {
  for (let i = 0; i < versionBytes; i++) {
    const at = from + i;
    if (at >= end) return incomplete;
    const byte = bytes[at] ?? 0;
    const isRight = i < 5 ? byte === versionName[i] : i === 6 ? byte === 0x2e : byte >= 48 && byte <= 57;
    if (!isRight) return fault.badVersion;
  }
  if (bytes[from + 5] !== 49) return fault.otherVersion;
  head.versionMinor = bytes[from + 7] === 48 ? 0 : 1;
  return from + versionBytes;
}

function endOfLine(bytes: Uint8Array, at: number, end: number, otherwise: number): number {
  if (at >= end) return incomplete;
  if (bytes[at] === lineFeed) return fault.bareLineFeed;
  if (bytes[at] !== carriageReturn) return otherwise;
  if (at + 1 >= end) return incomplete;
  return bytes[at + 1] === lineFeed ? at + 2 : fault.bareCarriageReturn;
}
