/**
 * Where a message's body ends, and whether the connection outlives it: RFC 9112 6.3 and 9.3. Whatever two readers
 * could understand differently (the ways of request smuggling, RFC 9112 11.2) is refused and never repaired.
 */
import { equalsName, tab, tokenLower } from "./characters.ts";
import { fault } from "./faults.ts";
import { field } from "./known-fields.ts";
import type { MessageHead } from "./message-head.ts";

/** Sums of lengths stay exact; nobody sends more than 9 PB. */
const maxContentLength = Number.MAX_SAFE_INTEGER;

/** The kinds that `readFraming` looks at; without any of them (GET, mostly) there is nothing to read. */
const framingKinds =
  (1 << field.contentLength) |
  (1 << field.transferEncoding) |
  (1 << field.te) |
  (1 << field.upgrade) |
  (1 << field.connection);

/** Reads the known fields into `head`. Returns 0 or a fault. */
export function readFraming(head: MessageHead): number {
  if ((head.kinds & framingKinds) === 0) {
    head.keepAlive = head.versionMinor === 1;
    return 0;
  }
  let hasClose = false;
  let hasKeepAlive = false;
  let namesUpgrade = false;
  let hasUpgradeField = false;
  for (let i = 0; i < head.headerCount; i++) {
    switch (head.kindAt(i)) {
      case field.contentLength: {
        if (head.hasContentLength) return fault.repeatedContentLength;
        const length = parseContentLength(head.bytes, head.valueStart(i), head.valueEnd(i));
        if (length < 0) return length;
        head.hasContentLength = true;
        head.contentLength = length;
        break;
      }
      case field.transferEncoding:
        head.hasTransferEncoding = true;
        break;
      case field.te:
        head.hasTe = true;
        break;
      case field.upgrade:
        hasUpgradeField = true;
        break;
      case field.connection: {
        const start = head.valueStart(i);
        const end = head.valueEnd(i);
        if (equalsName(head.bytes, start, end, "keep-alive")) hasKeepAlive = true;
        else if (equalsName(head.bytes, start, end, "close")) hasClose = true;
        else {
          for (const option of head.valueAt(i).split(",")) {
            const name = trimSpace(option).toLowerCase();
            if (name === "close") hasClose = true;
            else if (name === "keep-alive") hasKeepAlive = true;
            else if (name === "upgrade") namesUpgrade = true;
            else if (name !== "" && (!isToken(name) || neverNominated.has(name))) return fault.badConnection;
            else if (name !== "" && name !== "te") head.nominate(name);
          }
        }
        break;
      }
      default:
    }
  }
  // RFC 9110 7.8: Upgrade in an HTTP/1.0 message is ignored.
  head.hasUpgrade = namesUpgrade && hasUpgradeField && head.versionMinor === 1;
  head.keepAlive = !hasClose && (head.versionMinor === 1 || hasKeepAlive);
  if (!head.hasTransferEncoding) return 0;
  if (head.versionMinor === 0) return fault.transferEncodingInHttp10;
  if (head.hasContentLength) return fault.contentLengthAndTransferEncoding;
  return checkTransferEncoding(head.get("transfer-encoding") ?? "");
}

/**
 * RFC 9110 7.6.1: not for fields that are meant for all recipients. A message that would have its Host or its length
 * taken away on the next hop is an attack, not a mistake.
 */
const neverNominated: ReadonlySet<string> = new Set([
  "authorization",
  "content-length",
  "cookie",
  "host",
  "transfer-encoding",
]);

/** Digits only: no sign, no list, no space (RFC 9110 8.6). */
function parseContentLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return fault.badContentLength;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return fault.badContentLength;
    length = length * 10 + digit;
    if (length > maxContentLength) return fault.badContentLength;
  }
  return length;
}

/** RFC 9112 6.1 and 7: all lines together are one list; chunked exactly once, last, and nothing else. */
function checkTransferEncoding(value: string): number {
  const codings = value.split(",").map((coding) => trimSpace(coding).toLowerCase());
  if (codings.at(-1) !== "chunked") return fault.badTransferEncoding;
  const others = codings.slice(0, -1);
  if (others.some((coding) => coding === "chunked" || !isToken(coding))) return fault.badTransferEncoding;
  return others.length === 0 ? 0 : fault.unknownTransferCoding;
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || tokenLower[code] === 0) return false;
  }
  return text !== "";
}

/** Space and tab only: `trim` would also take what ISO 8859-1 has as a no-break space. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === tab;
}
