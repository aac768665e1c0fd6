/**
 * The response of one exchange on its way to an HTTP/1.1 client: framing as the client understands it, edits, and what the
 * connection may do afterwards.
 */
import { reasons } from "../../kernel/index.ts";
import {
  type BodyKind,
  encodeErrorResponse,
  encodeLastChunk,
  encodeResponseHead,
  type HeadEdits,
  type RequestHead,
  ResponseHead,
  type ResponseHeadOptions,
} from "../../http1/index.ts";
import type { Connection } from "../../net/index.ts";
import {
  encodeAsHttp1Response,
  type Http2Response,
  http1ResponseFraming,
  http1ResponseObstacle,
  type HttpResponse,
  type Trailers,
  trailerLines,
  webSocketAccept,
  writeChunk,
} from "../http/index.ts";
import type { ClientStream, OwnAnswer, Refusal } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { latin1Line, responseOptions } from "./exchange-heads.ts";
import { errorBody } from "./outcome.ts";

/** The connection that the exchange is on. */
export interface Http1ClientOwner {
  readonly connection: Connection;
  /** The connection has carried as many requests as it may with this one. */
  readonly isLastRequest: boolean;
  pauseRequest(): void;
  resumeRequest(): void;
  /** `keepAlive`: another request may follow. */
  onResponseDone(keepAlive: boolean): void;
  abort(): void;
  /** What follows is not HTTP; the exchange gets it as its body. */
  enterTunnel(): void;
  /** The connection is given away. Returns what was read behind the request. */
  detach(): Uint8Array | undefined;
}

export class Http1Client implements ClientStream {
  readonly #context: ServeContext;
  readonly #owner: Http1ClientOwner;
  readonly #connection: Connection;
  readonly #request: RequestHead;
  #keepAlive = false;
  #sawInterim = false;
  #isTunnel = false;
  #framing: BodyKind = "none";

  constructor(context: ServeContext, owner: Http1ClientOwner, request: RequestHead) {
    this.#context = context;
    this.#owner = owner;
    this.#connection = owner.connection;
    this.#request = request;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  pauseRequest(): void {
    this.#owner.pauseRequest();
  }

  resumeRequest(): void {
    this.#owner.resumeRequest();
  }

  writeInterim(head: HttpResponse): void {
    this.#sawInterim = true;
    // An HTTP/1.0 client knows no interim responses (RFC 9110 section 15.2).
    if (this.#request.versionMinor === 1) this.#writeHead(head, undefined, { body: "none" });
  }

  writeHead(head: HttpResponse, edits: HeadEdits | undefined, isRequestEnded: boolean): string | undefined {
    const request = this.#request;
    const own = head instanceof ResponseHead ? head.body : http1ResponseFraming(head, request.method);
    if (!(head instanceof ResponseHead)) {
      const obstacle = http1ResponseObstacle(head);
      if (obstacle !== undefined) return obstacle;
    }
    this.#framing = this.#clientFraming(own);
    // After an unanswered Expect nobody knows whether the body will come: the connection cannot go on.
    const isBodyUncertain = request.expectContinue && !isRequestEnded && !this.#sawInterim;
    this.#keepAlive =
      request.keepAlive && !this.#isLast && this.#framing !== "until_close" && !isBodyUncertain;
    this.#writeHead(head, edits, responseOptions(head, this.#framing, this.#keepAlive, request.versionMinor));
    return undefined;
  }

  writeSwitch(head: HttpResponse, edits: HeadEdits | undefined): void {
    this.#isTunnel = true;
    if (head instanceof ResponseHead) this.#writeHead(head, edits, {});
    else this.#writeWebSocketSwitch(head, edits);
  }

  writeBody(chunk: Uint8Array): boolean {
    const hasRoom =
      this.#framing !== "chunked" || this.#isTunnel
        ? this.#connection.give(chunk)
        : writeChunk(this.#connection, chunk, this.#context.scratch);
    if (!hasRoom) this.#context.metrics.bodiesPaused.value++;
    return hasRoom;
  }

  writeEnd(trailers: Trailers | undefined): void {
    if (this.#isTunnel) {
      this.#connection.shutdown();
      return;
    }
    if (this.#framing !== "chunked") return;
    const scratch = this.#context.scratch;
    scratch.clear();
    encodeLastChunk(scratch, trailerLines(trailers));
    this.#connection.write(scratch.view());
  }

  writeRefusal(refusal: Refusal): void {
    const { reason, requestId, told } = refusal;
    const isBodyBad = reason === "malformed_request" || reason === "client_timeout";
    const body = errorBody(reason, requestId, told);
    this.#writeOwn({ ...refusal, status: refusal.status ?? reasons[reason].httpStatus }, body, isBodyBad);
  }

  writeAnswer(answer: OwnAnswer): void {
    this.#writeOwn(answer, answer.body ?? "", false);
  }

  onExchangeDone(): void {
    this.#owner.onResponseDone(this.#keepAlive);
  }

  abort(): void {
    this.#owner.abort();
  }

  /** The owner passes bytes on as they are from here on. */
  enterTunnel(): void {
    this.#owner.enterTunnel();
  }

  detach(): { readonly connection: Connection; readonly alreadyRead: Uint8Array | undefined } {
    return { connection: this.#connection, alreadyRead: this.#owner.detach() };
  }

  get #isLast(): boolean {
    return this.#context.isDraining || this.#owner.isLastRequest;
  }

  /** The answer to an extended CONNECT, as this client's own handshake wants it. */
  #writeWebSocketSwitch(head: Http2Response, edits: HeadEdits | undefined): void {
    const scratch = this.#context.scratch;
    scratch.clear();
    const accept = webSocketAccept(this.#request.get("sec-websocket-key") ?? "");
    const lines = [latin1Line("sec-websocket-accept", accept)];
    encodeAsHttp1Response(scratch, head, edits, { switchesTo: "websocket", lines });
    this.#connection.write(scratch.view());
  }

  #writeOwn(answer: OwnAnswer, body: string | Uint8Array, isBodyBad: boolean): void {
    const request = this.#request;
    const isBodyUncertain = !answer.isRequestEnded && (request.expectContinue || isBodyBad);
    this.#keepAlive =
      request.keepAlive &&
      request.versionMinor === 1 &&
      !this.#isLast &&
      !isBodyUncertain &&
      // What follows a CONNECT may be meant as the tunnel's bytes.
      request.method !== "CONNECT";
    const scratch = this.#context.scratch;
    scratch.clear();
    encodeErrorResponse(scratch, {
      status: answer.status,
      body,
      lines: [latin1Line("x-request-id", answer.requestId), ...answer.lines],
      keepAlive: this.#keepAlive,
      isHead: request.method === "HEAD",
    });
    this.#connection.write(scratch.view());
  }

  #writeHead(head: HttpResponse, edits: HeadEdits | undefined, options: ResponseHeadOptions): void {
    const scratch = this.#context.scratch;
    scratch.clear();
    if (head instanceof ResponseHead) encodeResponseHead(scratch, head, edits, options);
    else encodeAsHttp1Response(scratch, head, edits, { ...options, body: options.body ?? this.#framing });
    this.#connection.write(scratch.view());
  }

  #clientFraming(body: BodyKind): BodyKind {
    if (body === "chunked" && this.#request.versionMinor === 0) return "until_close";
    // Re-framed, so that the client's connection lives on and a cut-off answer cannot pass for a whole one.
    return body === "until_close" && this.#request.versionMinor === 1 ? "chunked" : body;
  }
}
