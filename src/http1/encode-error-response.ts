/** Answers that the proxy gives itself: refusals, and what a route's filters answer. */
import type { ByteWriter } from "../kernel/index.ts";
import { appendLines } from "./encode-fields.ts";
import type { HeaderLine } from "./header-line.ts";

export interface ErrorResponse {
  readonly status: number;
  /** Text: plain, ends in a line feed for people with curl. Bytes: of whatever type the lines say. Empty: none. */
  readonly body: string | Uint8Array;
  readonly lines?: readonly HeaderLine[];
  /** Default: the connection is closed after it. */
  readonly keepAlive?: boolean;
  /** The request was HEAD: its length is told, the body left out. */
  readonly isHead?: boolean;
}

/** RFC 9110 15, those that a proxy answers with itself. */
const phrases: Readonly<Record<number, string>> = {
  100: "Continue",
  200: "OK",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export function encodeErrorResponse(out: ByteWriter, response: ErrorResponse): void {
  const isText = typeof response.body === "string";
  const body = typeof response.body === "string" ? Buffer.from(response.body, "utf8") : response.body;
  out.latin1(`HTTP/1.1 ${response.status} ${phrases[response.status] ?? ""}\r\n`);
  if (isText && body.length > 0) out.latin1("content-type: text/plain; charset=utf-8\r\n");
  // RFC 9110 8.6: 204 has no length, not even 0.
  if (response.status !== 204) out.latin1(`content-length: ${body.length}\r\n`);
  if (response.lines !== undefined) appendLines(out, response.lines);
  out.latin1(response.keepAlive === true ? "\r\n" : "connection: close\r\n\r\n");
  if (response.isHead !== true) out.append(body);
}
