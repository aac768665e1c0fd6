/** Fields that a codec must understand, as small numbers; everything else is `other` and is never decoded here. */
import { equalsName } from "./characters.ts";

export const field = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  upgrade: 5,
  te: 6,
  expect: 7,
  /** Keep-Alive, Proxy-Connection and HTTP2-Settings: about one hop, and nothing that the codec acts on. */
  hop: 8,
  /** Any field that Connection names: about one hop too. */
  nominated: 9,
} as const;

/** By length first: most names have a length that no known field has. */
export function identifyField(bytes: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 2:
      return equalsName(bytes, start, end, "te") ? field.te : field.other;
    case 4:
      return equalsName(bytes, start, end, "host") ? field.host : field.other;
    case 6:
      return equalsName(bytes, start, end, "expect") ? field.expect : field.other;
    case 7:
      return equalsName(bytes, start, end, "upgrade") ? field.upgrade : field.other;
    case 10:
      if (equalsName(bytes, start, end, "connection")) return field.connection;
      return equalsName(bytes, start, end, "keep-alive") ? field.hop : field.other;
    case 14:
      if (equalsName(bytes, start, end, "content-length")) return field.contentLength;
      return equalsName(bytes, start, end, "http2-settings") ? field.hop : field.other;
    case 16:
      return equalsName(bytes, start, end, "proxy-connection") ? field.hop : field.other;
    case 17:
      return equalsName(bytes, start, end, "transfer-encoding") ? field.transferEncoding : field.other;
    default:
      return field.other;
  }
}

/** Names whose lines the codec writes itself; edits may not touch them. */
export const framingNames: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Fields that mean something only before the content, or that decide about framing, routing or access: never
 * forwarded from a trailer section (RFC 9110 6.5.1).
 */
export const forbiddenInTrailers: ReadonlySet<string> = new Set([
  ...framingNames,
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "host",
  "location",
  "max-forwards",
  "pragma",
  "proxy-authenticate",
  "proxy-authorization",
  "range",
  "retry-after",
  "set-cookie",
  "vary",
  "warning",
  "www-authenticate",
]);
