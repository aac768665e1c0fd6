/**
 * Which protocol a client speaks, from its first bytes. "more" only while they are the start of something known, so a
 * client of another protocol is never kept waiting; whether to wait at all (the server may speak first) is the caller's
 * choice.
 */

export type Detected = "http1" | "http2" | "tls" | "tcp" | "more";

/** RFC 9113 3.4; its rest follows for certain. */
const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n", "latin1");
/** Longer than every registered method (UPDATEREDIRECTREF has 17 characters). */
const maxMethodBytes = 24;
/** A request line of this length without an end is taken for HTTP, so that its codec can refuse it as too long. */
const enoughTargetBytes = 2048;

const tlsHandshake = 0x16;
const tlsMajorVersion = 3;
const space = 0x20;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export function detectProtocol(bytes: Uint8Array): Detected {
  const first = bytes[0];
  if (first === undefined) return "more";
  if (first === tlsHandshake) {
    if (bytes.length === 1) return "more";
    return bytes[1] === tlsMajorVersion ? "tls" : "tcp";
  }
  const preface = comparePrefix(bytes, http2Preface);
  if (preface !== "different") return preface === "complete" ? "http2" : "more";
  return detectRequestLine(bytes);
}

function comparePrefix(bytes: Uint8Array, wanted: Uint8Array): "different" | "partial" | "complete" {
  const count = Math.min(bytes.length, wanted.length);
  for (let i = 0; i < count; i++) if (bytes[i] !== wanted[i]) return "different";
  return count === wanted.length ? "complete" : "partial";
}

/** `METHOD target HTTP/1.x`: only the end of the line tells it from other line protocols (Redis: `GET key`). */
function detectRequestLine(bytes: Uint8Array): Detected {
  let at = 0;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === space) break;
    if (!isMethodByte(byte) || at === maxMethodBytes) return "tcp";
  }
  if (at === bytes.length) return "more";
  if (at === 0) return "tcp";
  for (let i = at + 1; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === lineFeed) return endsInHttp1(bytes, i) ? "http1" : "tcp";
    if (byte === carriageReturn || byte >= 0x80) continue;
    if (byte < space || byte === 0x7f) return "tcp";
  }
  return bytes.length > enoughTargetBytes ? "http1" : "more";
}

function endsInHttp1(bytes: Uint8Array, lineEnd: number): boolean {
  const end = bytes[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd;
  const version = String.fromCharCode(...bytes.subarray(Math.max(0, end - 9), end));
  return /^ HTTP\/1\.\d$/.test(version);
}

function isMethodByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x2d || byte === 0x5f;
}
