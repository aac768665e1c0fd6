/** HTTP/2 messages as HTTP/1.1: heads, with every difference in meaning between the two (RFC 9113 section 8). */
import {
  type BodyKind,
  framingNames,
  type HeadEdits,
  type HeaderLine,
  isAuthorityText,
  isFieldText,
  isTargetText,
  type ResponseHeadOptions,
} from "../../http1/index.ts";
import type { HeaderFields } from "../../http2/index.ts";
import type { ByteWriter } from "../../kernel/index.ts";
import { isEdited, isSetBy } from "./edited-fields.ts";
import type { RequestRewrite } from "./http-message.ts";
import type { Http2Request } from "./http2-request.ts";
import type { Http2Response } from "./http2-response.ts";
import { handshakeFields } from "./websocket.ts";

/** How the body of a request that came over HTTP/2 is framed over HTTP/1.1. */
export function http1RequestFraming(request: Http2Request): BodyKind {
  if (request.isEnd || request.method === "CONNECT") return "none";
  return request.fields.get("content-length") === undefined ? "chunked" : "length";
}

/** The same for a response; `requestMethod` decides with (RFC 9112 section 6.3). */
export function http1ResponseFraming(response: Http2Response, requestMethod: string): BodyKind {
  const { status } = response;
  if (requestMethod === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (response.isEnd || response.fields.get("content-length") !== undefined) return "length";
  return "chunked";
}

/** Why a checked HTTP/2 request cannot be said in HTTP/1.1; undefined: it can. Written out anyway, it would smuggle. */
export function http1Obstacle(request: Http2Request): string | undefined {
  if (!isAuthorityText(request.authority))
    return "the authority is missing or has bytes that Host cannot have";
  if (request.target !== "" && !isTargetText(request.target))
    return ":path has bytes that a target cannot have";
  return fieldObstacle(request.fields, request.firstField);
}

export function http1ResponseObstacle(response: Http2Response): string | undefined {
  return fieldObstacle(response.fields, 1);
}

function fieldObstacle(fields: HeaderFields, from: number): string | undefined {
  const { names, values } = fields;
  for (let i = from; i < values.length; i++) {
    if (!isFieldText(values[i] ?? "")) return `field ${names[i]} has a control byte`;
  }
  return undefined;
}

export interface Http1RequestOptions {
  readonly edits: HeadEdits | undefined;
  readonly lines: readonly HeaderLine[];
  readonly rewrite?: RequestRewrite | undefined;
  readonly framing: BodyKind;
  /** Set: the request asks to switch to this protocol, with this key where it is WebSocket. */
  readonly upgrade: { readonly protocol: string; readonly webSocketKey: string | undefined } | undefined;
}

export function encodeAsHttp1Request(
  out: ByteWriter,
  request: Http2Request,
  options: Http1RequestOptions,
): void {
  const { rewrite, upgrade } = options;
  const authority = rewrite?.authority ?? request.authority;
  out.latin1(upgrade === undefined ? request.method : "GET");
  out.byte(space);
  out.latin1(rewrite?.target ?? (request.target === "" ? authority : request.target));
  out.latin1(" HTTP/1.1\r\nhost: ");
  out.latin1(authority);
  out.latin1("\r\n");
  const cookies = copyFields(out, request.fields, request.firstField, {
    edits: options.edits,
    lines: options.lines,
    keepsLength: options.framing === "length",
    dropsHost: true,
  });
  if (cookies !== undefined) field(out, "cookie", cookies);
  appendEdits(out, options.edits, options.lines);
  if (options.framing === "chunked") out.latin1("transfer-encoding: chunked\r\n");
  if (upgrade !== undefined) {
    out.latin1("connection: upgrade\r\n");
    field(out, "upgrade", upgrade.protocol);
    if (upgrade.webSocketKey !== undefined) field(out, "sec-websocket-key", upgrade.webSocketKey);
  } else if (request.fields.get("te") !== undefined) {
    out.latin1("te: trailers\r\nconnection: te\r\n");
  }
  out.latin1("\r\n");
}

export interface Http1ResponseOptions extends ResponseHeadOptions {
  /** The answer to an extended CONNECT, which HTTP/1.1 calls 101 to this protocol. */
  readonly switchesTo?: string;
}

/** `options.body`: as `http1ResponseFraming` says, or until_close for an HTTP/1.0 client. */
export function encodeAsHttp1Response(
  out: ByteWriter,
  response: Http2Response,
  edits: HeadEdits | undefined,
  options: Http1ResponseOptions,
): void {
  const { switchesTo, lines = noLines } = options;
  out.latin1(switchesTo === undefined ? `HTTP/1.1 ${response.status} \r\n` : "HTTP/1.1 101 \r\n");
  const isBodiless = options.body === "none" && switchesTo === undefined;
  copyFields(out, response.fields, 1, {
    edits,
    lines,
    keepsLength:
      options.body === "length" || (isBodiless && response.status >= 200 && response.status !== 204),
    dropsHost: false,
  });
  appendEdits(out, edits, lines);
  if (switchesTo !== undefined) out.latin1(`connection: upgrade\r\nupgrade: ${switchesTo}\r\n`);
  if (options.body === "length" && response.fields.get("content-length") === undefined) {
    out.latin1("content-length: 0\r\n");
  }
  if (options.body === "chunked") out.latin1("transfer-encoding: chunked\r\n");
  if (options.connection === "close" || options.body === "until_close") out.latin1("connection: close\r\n");
  else if (options.connection === "keep-alive") out.latin1("connection: keep-alive\r\n");
  out.latin1("\r\n");
}

interface FieldChoice {
  readonly edits: HeadEdits | undefined;
  readonly lines: readonly HeaderLine[];
  readonly keepsLength: boolean;
  readonly dropsHost: boolean;
}

/** Returns the cookies, which HTTP/2 may split and HTTP/1.1 must not (RFC 9113 section 8.2.3). */
function copyFields(
  out: ByteWriter,
  fields: HeaderFields,
  from: number,
  choice: FieldChoice,
): string | undefined {
  const { names, values } = fields;
  let cookies: string | undefined;
  for (let i = from; i < names.length; i++) {
    const name = names[i] ?? "";
    const value = values[i] ?? "";
    if (name === "content-length") {
      if (choice.keepsLength) field(out, name, value);
    } else if (name === "host" && choice.dropsHost) {
      continue;
    } else if (framingNames.has(name) || handshakeFields.has(name)) {
      continue;
    } else if (isEdited(name, choice.edits) || isSetBy(name, choice.lines)) {
      continue;
    } else if (name === "cookie") {
      cookies = cookies === undefined ? value : `${cookies}; ${value}`;
    } else {
      field(out, name, value);
    }
  }
  return cookies;
}

function appendEdits(out: ByteWriter, edits: HeadEdits | undefined, lines: readonly HeaderLine[]): void {
  if (edits !== undefined) {
    for (const line of edits.set) out.append(line.bytes);
    for (const line of edits.add) out.append(line.bytes);
  }
  for (const line of lines) out.append(line.bytes);
}

function field(out: ByteWriter, name: string, value: string): void {
  out.latin1(name);
  out.latin1(": ");
  out.latin1(value);
  out.latin1("\r\n");
}

const noLines: readonly HeaderLine[] = [];
const space = 0x20;
