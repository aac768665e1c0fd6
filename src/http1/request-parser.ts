/** Requests from a client: strict RFC 9112. Pipelined requests wait in the caller's chunk until `next`. */
import type { ReasonCode } from "../kernel/index.ts";
import { equalsName } from "./characters.ts";
import { fault, requestFault } from "./faults.ts";
import { FieldTable } from "./field-table.ts";
import { readFraming, trimSpace } from "./framing.ts";
import { field } from "./known-fields.ts";
import { defaultHttp1Limits, type Http1Limits } from "./limits.ts";
import { MessageParser } from "./message-parser.ts";
import { parseFields, type SectionBounds } from "./parse-fields.ts";
import { RequestHead } from "./request-head.ts";
import { readTarget } from "./request-target.ts";
import { parseRequestLine } from "./start-line.ts";

export interface RequestSink {
  onHead(head: RequestHead): void;
  /** Decoded content: a view of the pushed chunk. */
  onBody(data: Uint8Array): void;
  /** Trailer lines that may be forwarded, each ending in CRLF, before `onMessageEnd`; not called where there are none. */
  onTrailers?(lines: Uint8Array): void;
  onMessageEnd(): void;
  /** Last call. Answer with the reason's status and close. `limit`: the bound that was passed, if it was one. */
  onError(reason: ReasonCode, detail: string, limit?: keyof Http1Limits): void;
}

export class RequestParser extends MessageParser {
  readonly #sink: RequestSink;
  readonly #bounds: SectionBounds;
  #head: RequestHead;

  constructor(sink: RequestSink, limits: Http1Limits = defaultHttp1Limits) {
    super(limits, "head");
    this.#sink = sink;
    this.#bounds = {
      start: 0,
      maxBytes: limits.maxHeadBytes,
      maxFields: limits.maxHeaders,
      table: new FieldTable(),
    };
    this.#head = new RequestHead();
  }

  /** After `onMessageEnd`: the next request may be parsed. May be called within it. */
  next(): void {
    this.expectHead();
  }

  override parseSection(bytes: Buffer, start: number, end: number): number {
    const head = new RequestHead();
    head.bytes = bytes;
    const fieldsStart = parseRequestLine(head, start, end, this.limits);
    if (fieldsStart < 0) return fieldsStart;
    this.#bounds.start = start;
    const after = parseFields(head, fieldsStart, end, this.#bounds);
    if (after < 0) return after;
    const code = completeHead(head);
    if (code !== 0) return code;
    this.#head = head;
    return after;
  }

  protected override deliverHead(): RequestHead {
    this.#sink.onHead(this.#head);
    return this.#head;
  }

  override onBody(data: Uint8Array): void {
    this.#sink.onBody(data);
  }

  override onTrailers(lines: Uint8Array): void {
    this.#sink.onTrailers?.(lines);
  }

  protected override messageEnd(): void {
    this.#sink.onMessageEnd();
  }

  protected override onIdleBytes(): void {}

  protected override fail(code: number): void {
    const { reason, detail, limit } = requestFault(code);
    this.#sink.onError(reason, detail, limit);
  }

  protected override truncated(): void {
    this.#sink.onError("client_closed", "closed in the middle of a request");
  }
}

/** What the fields mean together. Returns 0 or a fault. */
function completeHead(head: RequestHead): number {
  const framing = readFraming(head);
  if (framing !== 0) return framing;
  const target = readTarget(head);
  if (target !== 0) return target;
  if (head.form === "authority") {
    // RFC 9110 9.3.6: content in a CONNECT request has no meaning, so its bytes would be the tunnel's to some.
    return head.hasTransferEncoding || head.contentLength > 0 ? fault.contentInConnect : 0;
  }
  if (head.hasTransferEncoding) head.body = "chunked";
  else if (head.hasContentLength) head.body = "length";
  head.expectContinue = expectsContinue(head);
  if (head.hasUpgrade && offersH2c(head.upgrade ?? "")) {
    head.hasUpgrade = false;
    head.asksForH2c = true;
  }
  return 0;
}

/** RFC 7540 3.2, in whatever place of the list. */
function offersH2c(protocols: string): boolean {
  return protocols.split(",").some((protocol) => trimSpace(protocol).toLowerCase() === "h2c");
}

/** RFC 9110 10.1.1: ignored in HTTP/1.0; other expectations are the application's to judge. */
function expectsContinue(head: RequestHead): boolean {
  if (head.versionMinor === 0 || (head.kinds & (1 << field.expect)) === 0) return false;
  for (let i = 0; i < head.headerCount; i++) {
    if (head.kindAt(i) !== field.expect) continue;
    if (equalsName(head.bytes, head.valueStart(i), head.valueEnd(i), "100-continue")) return true;
  }
  return false;
}
