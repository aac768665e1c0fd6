/**
 * The response of one exchange on its way to the client: framing as the client understands it, edits, what the connection
 * may do afterwards; and the answers that the proxy gives itself.
 */
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import {
  type BodyKind,
  encodeErrorResponse,
  encodeLastChunk,
  encodeResponseHead,
  type HeadEdits,
  type RequestHead,
  type ResponseHead,
  type ResponseHeadOptions,
} from "../../http1/index.ts";
import type { Connection } from "../../net/index.ts";
import type { ServeContext } from "./context.ts";
import { latin1Line, responseOptions } from "./exchange-heads.ts";
import { unprocessedHeader } from "./http-service.ts";
import { errorBody } from "./outcome.ts";
import { writeChunk } from "./request-body.ts";

export class ResponseWriter {
  readonly #context: ServeContext;
  readonly #connection: Connection;
  readonly #request: RequestHead;
  /** The final head has been written: from here on nothing else can be answered. */
  isStarted = false;
  sawInterim = false;
  status = 0;
  byteLength = 0;
  /** Another request may follow on the client's connection. */
  keepAlive = false;
  #framing: BodyKind = "none";
  #trailers: Uint8Array | undefined;

  constructor(context: ServeContext, connection: Connection, request: RequestHead) {
    this.#context = context;
    this.#connection = connection;
    this.#request = request;
  }

  writeInterim(head: ResponseHead): void {
    this.sawInterim = true;
    // An HTTP/1.0 client knows no interim responses (RFC 9110 section 15.2).
    if (this.#request.versionMinor === 1) this.#writeHead(head, undefined, {});
  }

  /** `isRequestEnded`: the client has sent all of its request. */
  writeHead(head: ResponseHead, edits: HeadEdits | undefined, isRequestEnded: boolean): void {
    const request = this.#request;
    this.isStarted = true;
    this.status = head.status;
    this.#framing = this.#clientFraming(head.body);
    // After an unanswered Expect nobody knows whether the body will come: the connection cannot go on.
    const isBodyUncertain = request.expectContinue && !isRequestEnded && !this.sawInterim;
    this.keepAlive =
      request.keepAlive && !this.#context.isDraining && this.#framing !== "until_close" && !isBodyUncertain;
    this.#writeHead(
      head,
      edits,
      responseOptions(head.body, this.#framing, this.keepAlive, request.versionMinor),
    );
  }

  /** 101: what follows is not HTTP. */
  writeSwitch(head: ResponseHead, edits: HeadEdits | undefined): void {
    this.isStarted = true;
    this.status = head.status;
    this.#writeHead(head, edits, {});
  }

  /** False: stop reading from the upstream. */
  writeBody(chunk: Uint8Array): boolean {
    this.byteLength += chunk.length;
    return this.#framing === "chunked"
      ? writeChunk(this.#connection, chunk, this.#context.scratch)
      : this.#connection.write(chunk);
  }

  setTrailers(lines: Uint8Array): void {
    this.#trailers = lines.slice();
  }

  writeEnd(): void {
    if (this.#framing !== "chunked") return;
    const scratch = this.#context.scratch;
    scratch.clear();
    encodeLastChunk(scratch, this.#trailers);
    this.#connection.write(scratch.view());
  }

  /** The proxy's own answer: class and request id, and to a peer of the mesh that the request was not processed. */
  writeRefusal(
    reason: ReasonCode,
    requestId: string,
    options: { readonly tellsUnprocessed: boolean; readonly isRequestEnded: boolean },
  ): void {
    const request = this.#request;
    const facts = reasons[reason];
    this.status = facts.httpStatus;
    const isBodyUncertain =
      !options.isRequestEnded && (request.expectContinue || reason === "malformed_request");
    this.keepAlive =
      request.keepAlive &&
      request.versionMinor === 1 &&
      !this.#context.isDraining &&
      !isBodyUncertain &&
      // What follows a CONNECT may be meant as the tunnel's bytes.
      reason !== "unsupported_request";
    const lines = [latin1Line("x-request-id", requestId)];
    if (options.tellsUnprocessed && facts.isUnprocessed) lines.push(latin1Line(unprocessedHeader, reason));
    const scratch = this.#context.scratch;
    scratch.clear();
    encodeErrorResponse(scratch, {
      status: facts.httpStatus,
      body: errorBody(reason, requestId),
      lines,
      keepAlive: this.keepAlive,
      isHead: request.method === "HEAD",
    });
    this.#connection.write(scratch.view());
  }

  #writeHead(head: ResponseHead, edits: HeadEdits | undefined, options: ResponseHeadOptions): void {
    const scratch = this.#context.scratch;
    scratch.clear();
    encodeResponseHead(scratch, head, edits, options);
    this.#connection.write(scratch.view());
  }

  #clientFraming(body: BodyKind): BodyKind {
    if (body === "chunked" && this.#request.versionMinor === 0) return "until_close";
    // Re-framed, so that the client's connection lives on and a cut-off answer cannot pass for a whole one.
    return body === "until_close" && this.#request.versionMinor === 1 ? "chunked" : body;
  }
}
