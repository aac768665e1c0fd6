/** Small pieces of heads that exchanges share: constants and one-line encoders. */
import { type BodyKind, type HeaderLine, ResponseHead, type ResponseHeadOptions } from "../../http1/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import { Http2Response, type HttpResponse } from "../http/index.ts";

/** For values that are known to be valid field values; `headerLine` is for all others. */
export function latin1Line(nameLower: string, value: string): HeaderLine {
  return { nameLower, value, bytes: Buffer.from(`${nameLower}: ${value}\r\n`, "latin1") };
}

/** A line that takes the fields of its name away and puts nothing in their place. */
export function removal(nameLower: string): HeaderLine {
  return { nameLower, value: "", bytes: new Uint8Array(0) };
}

/** RFC 9110 10.1.1: a client that waits for it sends its body then. */
export const goAhead = new Http2Response(HeaderFields.of([[":status", "100"]]), false);

const unchanged: ResponseHeadOptions = {};
const closing: ResponseHeadOptions = { connection: "close" };
/** An HTTP/1.0 client keeps the connection only where it is told so. */
const keeping10: ResponseHeadOptions = { connection: "keep-alive" };

/** `framing`: the one towards the client. */
export function responseOptions(
  head: HttpResponse,
  framing: BodyKind,
  keepAlive: boolean,
  versionMinor: 0 | 1,
): ResponseHeadOptions {
  const options = keepAlive ? (versionMinor === 1 ? unchanged : keeping10) : closing;
  return head instanceof ResponseHead && head.body === framing ? options : { ...options, body: framing };
}
