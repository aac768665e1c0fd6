/** Small pieces of heads that exchanges share: constants and one-line encoders. */
import type { BodyKind, HeadEdits, HeaderLine, ResponseHeadOptions } from "../../http1/index.ts";
import { unprocessedHeader } from "./http-service.ts";

/** RFC 9110 section 9.2.2: to send such a request twice has the effect of sending it once. */
export const idempotentMethods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "TRACE",
]);

/** For values that are known to be valid field values; `headerLine` is for all others. */
export function latin1Line(nameLower: string, value: string): HeaderLine {
  return { nameLower, value, bytes: Buffer.from(`${nameLower}: ${value}\r\n`, "latin1") };
}

const unchanged: ResponseHeadOptions = {};
const closing: ResponseHeadOptions = { connection: "close" };
/** An HTTP/1.0 client keeps the connection only where it is told so. */
const keeping10: ResponseHeadOptions = { connection: "keep-alive" };

/** `own` is the response's framing as it came, `framing` the one towards the client. */
export function responseOptions(
  own: BodyKind,
  framing: BodyKind,
  keepAlive: boolean,
  versionMinor: 0 | 1,
): ResponseHeadOptions {
  const options = keepAlive ? (versionMinor === 1 ? unchanged : keeping10) : closing;
  return own === framing ? options : { ...options, body: framing };
}

export function withoutUnprocessed(edits: HeadEdits | undefined): HeadEdits {
  return {
    set: edits?.set ?? [],
    add: edits?.add ?? [],
    remove: [...(edits?.remove ?? []), unprocessedHeader],
  };
}
