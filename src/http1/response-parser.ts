/** Responses from an upstream: strict RFC 9112. One response for each `expect`; behind other bytes none is read any more. */
import type { ReasonCode } from "../kernel/index.ts";
import { fault, responseFault } from "./faults.ts";
import { FieldTable } from "./field-table.ts";
import { readFraming } from "./framing.ts";
import { defaultHttp1Limits, type Http1Limits } from "./limits.ts";
import type { BodyKind } from "./message-head.ts";
import { MessageParser } from "./message-parser.ts";
import { parseFields, type SectionBounds } from "./parse-fields.ts";
import { ResponseHead } from "./response-head.ts";
import { parseStatusLine } from "./start-line.ts";

export interface ResponseSink {
  /** 1xx except 101. */
  onInterim(head: ResponseHead): void;
  /** The final response; 101 is one, what follows it belongs to the new protocol. */
  onHead(head: ResponseHead): void;
  /** Decoded content: a view of the pushed chunk. */
  onBody(data: Uint8Array): void;
  /** Trailer lines that may be forwarded, each ending in CRLF, before `onMessageEnd`; not called where there are none. */
  onTrailers?(lines: Uint8Array): void;
  onMessageEnd(): void;
  /** Last call. The connection cannot be used any more. `limit`: the bound that was passed, if it was one. */
  onError(reason: ReasonCode, detail: string, limit?: keyof Http1Limits): void;
}

/** An application sends one or two; without a bound it could keep a request waiting for ever. */
const maxInterimResponses = 32;

export class ResponseParser extends MessageParser {
  readonly #sink: ResponseSink;
  readonly #bounds: SectionBounds;
  #head: ResponseHead;
  #requestMethod: string;
  #upgradeRequested: boolean;
  #interimCount: number;
  #isSpoiled: boolean;

  constructor(sink: ResponseSink, limits: Http1Limits = defaultHttp1Limits) {
    super(limits, "idle");
    this.#sink = sink;
    this.#bounds = {
      start: 0,
      maxBytes: limits.maxHeadBytes,
      maxFields: limits.maxHeaders,
      table: new FieldTable(),
    };
    this.#head = new ResponseHead();
    this.#requestMethod = "";
    this.#upgradeRequested = false;
    this.#interimCount = 0;
    this.#isSpoiled = false;
  }

  /** Before each response: the request's method, and whether Upgrade was forwarded with it. */
  expect(requestMethod: string, upgradeRequested = false): void {
    this.#requestMethod = requestMethod;
    this.#upgradeRequested = upgradeRequested;
    this.#interimCount = 0;
    if (!this.#isSpoiled) this.expectHead();
  }

  /** A response that was asked for is owed from then on, not from its first byte. */
  protected override get mayEnd(): boolean {
    return this.isBetween;
  }

  override parseSection(bytes: Buffer, start: number, end: number): number {
    const head = new ResponseHead();
    head.bytes = bytes;
    const fieldsStart = parseStatusLine(head, start, end);
    if (fieldsStart < 0) return this.#bounded(fieldsStart, end - start);
    this.#bounds.start = start;
    const after = parseFields(head, fieldsStart, end, this.#bounds);
    if (after < 0) return after;
    const framing = readFraming(head);
    if (framing !== 0) return framing;
    const isInterim = head.status < 200 && head.status !== 101;
    if (isInterim && ++this.#interimCount > maxInterimResponses) return fault.tooManyInterim;
    if (head.status === 101 && !(this.#upgradeRequested && head.hasUpgrade)) return fault.unexpectedSwitch;
    head.body = bodyOf(head, this.#requestMethod);
    if (head.body === "until_close") head.keepAlive = false;
    this.#head = head;
    return after;
  }

  protected override deliverHead(): ResponseHead | "interim" {
    const head = this.#head;
    if (head.status < 200 && head.status !== 101) {
      this.#sink.onInterim(head);
      return "interim";
    }
    this.#sink.onHead(head);
    return head;
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

  /**
   * What comes now is the tunnel's, or answers no request (response splitting): left to the caller, who sees it by what
   * `push` returns. The response before it was whole all the same, wherever the bytes happened to be cut; but no other is
   * read from this connection.
   */
  protected override onIdleBytes(): void {
    if (!isTunnel(this.#head, this.#requestMethod)) this.#isSpoiled = true;
  }

  protected override fail(code: number): void {
    const { reason, detail, limit } = responseFault(code);
    this.#sink.onError(reason, detail, limit);
  }

  protected override truncated(): void {
    this.#sink.onError("upstream_reset", "closed in the middle of a response");
  }

  #bounded(code: number, length: number): number {
    return code === -1 && length >= this.limits.maxHeadBytes ? fault.headTooLarge : code;
  }
}

function isTunnel(head: ResponseHead, requestMethod: string): boolean {
  return head.status === 101 || (requestMethod === "CONNECT" && head.status >= 200 && head.status < 300);
}

/** RFC 9112 6.3, in its order. */
function bodyOf(head: ResponseHead, requestMethod: string): BodyKind {
  const status = head.status;
  if (requestMethod === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (isTunnel(head, requestMethod)) return "none";
  if (head.hasTransferEncoding) return "chunked";
  return head.hasContentLength ? "length" : "until_close";
}
