/**
 * One line of the table of vectors: bytes, and the one right outcome. The same table drives the parsers' own tests and, sent raw
 * through a listening proxy, the conformance run (test/conformance/http1).
 */

export interface Vector {
  /** The RFC and section that make the outcome the right one, then what the vector is. */
  readonly title: string;
  readonly raw: string;
  /**
   * What a parser tells: `METHOD target framing keep|close "content"` or `status framing keep|close "content"` for each message,
   * `! reason: detail` for a refusal, `?` after a message that is not complete, `rest "bytes"` for what follows a response and
   * is not read: of a tunnel, or of nobody.
   */
  readonly outcome: readonly string[];
  /** Responses: the requests' methods; default GET for each. */
  readonly methods?: readonly string[];
  readonly upgrade?: boolean;
  /** The peer's FIN follows. */
  readonly fin?: boolean;
}

/** The `Host` line of nearly all vectors. */
export const host = "Host: a\r\n";

export const get = (fields: string): string => `GET / HTTP/1.1\r\n${fields}\r\n`;
export const post = (fields: string, body = ""): string => `POST / HTTP/1.1\r\n${host}${fields}\r\n${body}`;
/** What must never arrive upstream as a request of its own where it is content, or stands behind something refused. */
export const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

export function accepted(title: string, raw: string, ...outcome: string[]): Vector {
  return { title, raw, outcome };
}

export function refused(title: string, raw: string, detail: string, reason = "malformed_request"): Vector {
  return { title, raw, outcome: [`! ${reason}: ${detail}`] };
}

/** The parsers' words for what is wrong: read by operators, so that they are tested as they are. */
export const says = {
  badMethod: "method is no token",
  badTarget: "request target is empty or has a byte that no target has",
  badForm: "request target's form does not fit the method",
  badVersion: "protocol version is malformed",
  otherVersion: "major version is not 1",
  badHost: "host is no host and port",
  noHost: "host is missing",
  repeatedHost: "host is repeated",
  mismatch: "host differs from the request target's authority",
  badName: "field name is empty or no token",
  badValue: "control byte in a field value",
  spaceBeforeColon: "white space between field name and colon",
  folded: "line starts with white space (obsolete line folding)",
  bareLf: "line feed without carriage return",
  bareCr: "carriage return without line feed",
  badLength: "content-length is no decimal number",
  repeatedLength: "content-length is repeated",
  lengthAndCoding: "both content-length and transfer-encoding",
  badCoding: "transfer-encoding does not end in a single chunked",
  otherCoding: "transfer coding other than chunked",
  codingIn10: "transfer-encoding in an HTTP/1.0 message",
  badConnection: "connection option is no token or names a field that is not the hop's",
  badStatus: "status line is malformed",
  badSize: "chunk size is no hexadecimal number",
  sizeTooLarge: "chunk size is too large",
  badExtension: "chunk extension is malformed",
  extensionsTooLarge: "chunk extensions are too large",
  badChunkEnd: "chunk does not end where its size says",
  unexpectedSwitch: "protocol switch that was not asked for",
} as const;
