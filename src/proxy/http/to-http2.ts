/** Messages as HTTP/2 header lists: copies of HTTP/2 ones with edits, and translations of HTTP/1.1 ones. */
import {
  framingNames,
  type HeadEdits,
  type HeaderLine,
  type MessageHead,
  RequestHead,
  type ResponseHead,
  WrittenLine,
} from "../../http1/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import { isEdited, isSetBy } from "./edited-fields.ts";
import { Http2Request } from "./http2-request.ts";
import { Http2Response } from "./http2-response.ts";
import type { HttpRequest, HttpResponse, RequestRewrite } from "./http-message.ts";
import { handshakeFields } from "./websocket.ts";

export interface Http2RequestOptions {
  readonly edits: HeadEdits | undefined;
  /** Of this one message; they replace fields of their names. */
  readonly lines: readonly HeaderLine[];
  /** Where the message does not say: what the client's connection stands for. */
  readonly scheme: "http" | "https";
  /** Extended CONNECT for this protocol, in the place of an Upgrade. */
  readonly protocol: string | undefined;
  readonly rewrite?: RequestRewrite | undefined;
}

export function http2RequestFields(request: HttpRequest, options: Http2RequestOptions): HeaderFields {
  const fields = new HeaderFields();
  const { protocol, rewrite } = options;
  fields.add(":method", protocol === undefined ? request.method : "CONNECT");
  if (protocol !== undefined) fields.add(":protocol", protocol);
  if (request.method !== "CONNECT" || protocol !== undefined) {
    fields.add(":scheme", request instanceof RequestHead ? options.scheme : request.scheme);
    fields.add(":path", rewrite?.target ?? targetOf(request));
  }
  const authority = rewrite?.authority ?? request.authority;
  if (authority !== "") fields.add(":authority", authority);
  if (request instanceof Http2Request) {
    copyHttp2Fields(fields, request.fields, request.firstField, options);
  } else {
    copyHttp1Fields(fields, request, options.edits, options.lines);
    if (acceptsTrailers(request)) fields.add("te", "trailers");
  }
  addEdits(fields, options.edits, options.lines);
  return fields;
}

export function http2ResponseFields(
  response: HttpResponse,
  edits: HeadEdits | undefined,
  status = response.status,
): HeaderFields {
  const fields = new HeaderFields();
  if (response instanceof Http2Response) {
    fields.add(":status", status === response.status ? response.fields.valueAt(0) : String(status));
    copyHttp2Fields(fields, response.fields, 1, { edits, lines: noLines });
  } else {
    fields.add(":status", String(status));
    copyHttp1Fields(fields, response, edits, noLines);
  }
  addEdits(fields, edits, noLines);
  return fields;
}

function targetOf(request: HttpRequest): string {
  if (!(request instanceof RequestHead)) return request.target;
  if (request.form !== "absolute") return request.target;
  const path = request.path;
  return request.hasQuery ? `${path}?${request.query}` : path;
}

interface FieldChanges {
  readonly edits: HeadEdits | undefined;
  readonly lines: readonly HeaderLine[];
}

/** `first`: where the pseudo-header fields end. */
function copyHttp2Fields(
  out: HeaderFields,
  from: HeaderFields,
  first: number,
  { edits, lines }: FieldChanges,
): void {
  const { names, values } = from;
  for (let i = first; i < names.length; i++) {
    const name = names[i] ?? "";
    if (name === "host" || isSetBy(name, lines)) continue;
    if (edits !== undefined && isEdited(name, edits)) continue;
    if (from.isSensitive(i)) out.addSensitive(name, values[i] ?? "");
    else out.add(name, values[i] ?? "");
  }
}

/** Without what is about one hop, and in lower case (RFC 9113 section 8.2). */
function copyHttp1Fields(
  out: HeaderFields,
  head: RequestHead | ResponseHead,
  edits: HeadEdits | undefined,
  lines: readonly HeaderLine[],
): void {
  const keepsLength = hasHttp2Length(head);
  for (let i = 0; i < head.headerCount; i++) {
    const name = head.nameAt(i);
    if (name === "content-length") {
      if (keepsLength) out.add(name, head.valueAt(i));
      continue;
    }
    if (name === "host" || framingNames.has(name) || handshakeFields.has(name) || head.isHopField(i))
      continue;
    if (isSetBy(name, lines) || isEdited(name, edits)) continue;
    out.add(name, head.valueAt(i));
  }
}

function hasHttp2Length(head: MessageHead): boolean {
  return head.body !== "chunked" && !head.hasTransferEncoding;
}

function acceptsTrailers(head: RequestHead): boolean {
  if (!head.hasTe) return false;
  return (head.get("te") ?? "").split(",").some((coding) => coding.trim().toLowerCase() === "trailers");
}

function addEdits(fields: HeaderFields, edits: HeadEdits | undefined, lines: readonly HeaderLine[]): void {
  if (edits !== undefined) {
    for (const line of edits.set) fields.add(line.nameLower, line.value);
    for (const line of edits.add) fields.add(line.nameLower, line.value);
  }
  // A line without bytes only takes fields away.
  for (const line of lines) {
    if (line instanceof WrittenLine || line.bytes.length > 0) fields.add(line.nameLower, line.value);
  }
}

const noLines: readonly HeaderLine[] = [];
