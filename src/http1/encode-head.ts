/** Serialises a parsed head for the next hop: always HTTP/1.1, framing and connection fields written anew. */
import type { ByteWriter } from "../kernel/index.ts";
import { copyFields } from "./encode-fields.ts";
import type { HeadEdits, HeaderLine } from "./header-line.ts";
import type { BodyKind } from "./message-head.ts";
import type { RequestHead } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";

export interface RequestHeadOptions {
  /** Instead of the head's own target, which is sent in origin form. Must hold only bytes that a target may have. */
  readonly target?: string | undefined;
  /** Instead of Host. Must be a valid one. */
  readonly authority?: string | undefined;
  /** Forward Upgrade, where the client asked for it. */
  readonly upgrade?: boolean;
  /** Leave Expect out: the proxy answered it. */
  readonly dropExpect?: boolean;
  /** Tell the next hop that no other request follows. */
  readonly close?: boolean;
  /** Lines of this one request, such as x-request-id; they replace fields of their names. */
  readonly lines?: readonly HeaderLine[];
}

export interface ResponseHeadOptions {
  /** Framing towards the client where it differs from the head's own: "until_close" for chunked to HTTP/1.0. */
  readonly body?: BodyKind;
  /** "keep-alive" tells an HTTP/1.0 client that the connection stays. */
  readonly connection?: "close" | "keep-alive";
  /** Lines of this one response; they replace fields of their names. */
  readonly lines?: readonly HeaderLine[];
}

const versionEnd = Buffer.from(" HTTP/1.1\r\n", "latin1");
const versionStart = Buffer.from("HTTP/1.1 ", "latin1");
const chunkedLine = Buffer.from("transfer-encoding: chunked\r\n", "latin1");
const closeLine = Buffer.from("connection: close\r\n", "latin1");
const keepAliveLine = Buffer.from("connection: keep-alive\r\n", "latin1");
const upgradeLine = Buffer.from("connection: upgrade\r\n", "latin1");
/** RFC 9110 10.1.4: TE is for one hop, so it is said anew, and Connection must name it. */
const trailersLines = Buffer.from("te: trailers\r\nconnection: te\r\n", "latin1");
const space = 0x20;

export function encodeRequestHead(
  out: ByteWriter,
  head: RequestHead,
  edits: HeadEdits | undefined,
  options: RequestHeadOptions,
): void {
  out.appendRange(head.bytes, head.methodStart, head.methodEnd);
  out.byte(space);
  encodeTarget(out, head, options.target);
  out.append(versionEnd);
  const forwardsUpgrade = options.upgrade === true && head.hasUpgrade;
  // RFC 9112 3.2: a request must have Host, and it should come first.
  const replacesHost = options.authority !== undefined || !head.hasHost;
  if (replacesHost) {
    out.latin1("host: ");
    out.latin1(options.authority ?? head.authority);
    endLine(out);
  }
  copyFields(out, head, {
    keepsHost: !replacesHost,
    keepsContentLength: head.body === "length",
    keepsExpect: options.dropExpect !== true && head.versionMinor === 1,
    keepsUpgrade: forwardsUpgrade,
    edits,
    lines: options.lines,
  });
  if (head.body === "chunked") out.append(chunkedLine);
  if (forwardsUpgrade) out.append(upgradeLine);
  else if (options.close === true) out.append(closeLine);
  if (acceptsTrailers(head)) out.append(trailersLines);
  endLine(out);
}

export function encodeResponseHead(
  out: ByteWriter,
  head: ResponseHead,
  edits: HeadEdits | undefined,
  options: ResponseHeadOptions,
): void {
  out.append(versionStart);
  out.appendRange(head.bytes, head.statusStart, head.statusLineEnd);
  if (head.statusLineEnd === head.statusStart + 3) out.byte(space);
  endLine(out);
  const body = options.body ?? head.body;
  const isSwitch = head.status === 101;
  copyFields(out, head, {
    keepsHost: true,
    // RFC 9110 8.6: HEAD and 304 may tell a length without having a body; 1xx and 204 must not.
    keepsContentLength:
      body === "length" ||
      (body === "none" && head.status >= 200 && head.status !== 204 && !head.hasTransferEncoding),
    keepsExpect: true,
    keepsUpgrade: isSwitch || head.status === 426,
    edits,
    lines: options.lines,
  });
  if (body === "chunked") out.append(chunkedLine);
  if (isSwitch) out.append(upgradeLine);
  else if (options.connection === "close" || body === "until_close") out.append(closeLine);
  else if (options.connection === "keep-alive") out.append(keepAliveLine);
  endLine(out);
}

function encodeTarget(out: ByteWriter, head: RequestHead, target: string | undefined): void {
  if (target !== undefined) {
    out.latin1(target);
  } else if (head.form !== "absolute") {
    out.appendRange(head.bytes, head.targetStart, head.targetEnd);
  } else {
    // RFC 9112 3.2.1: to a server that is no proxy, origin form.
    if (head.pathStart === head.pathEnd) out.latin1(head.path);
    out.appendRange(head.bytes, head.pathStart, head.targetEnd);
  }
}

function acceptsTrailers(head: RequestHead): boolean {
  if (!head.hasTe) return false;
  const value = head.get("te") ?? "";
  return value.split(",").some((coding) => coding.trim().toLowerCase() === "trailers");
}

function endLine(out: ByteWriter): void {
  out.byte(0x0d);
  out.byte(0x0a);
}
