/**
 * The host that the first bytes of a connection ask for, where they are a request of HTTP/1.1: enough to tell which of
 * several services is meant. It judges nothing: whoever serves the connection then reads the request anew, strictly.
 */
import { hostnameOf } from "../../decide/index.ts";

const preface = "PRI * HTTP/2.0\r\n";
const hostField = /^host:[ \t]*([^\s]*)[ \t]*$/i;
/** Of the first line and of each field. */
const maxLineBytes = 8_192;

/** `http2`: it begins as HTTP/2 does, whose names are compressed. */
export type RequestedHost = { readonly name: string } | "more" | "none" | "http2";

/** `bytes`: all that came so far. */
export function requestedHost(bytes: Uint8Array): RequestedHost {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  if (text.startsWith(preface)) return "http2";
  if (!/^[A-Z]/.test(text)) return text === "" ? "more" : "none";
  for (let start = 0; ; ) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length - start > maxLineBytes ? "none" : "more";
    const line = text.slice(start, text[end - 1] === "\r" ? end - 1 : end);
    if (start === 0 ? !/ HTTP\/1\.[01]$/.test(line) : line === "") return "none";
    const host = start === 0 ? undefined : hostField.exec(line)?.[1];
    if (host !== undefined) return { name: hostnameOf(host) };
    start = end + 1;
  }
}
