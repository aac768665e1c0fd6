/** The client's side of one exchange as a stream of its HTTP/2 connection. */
import { trailersOnlyHead } from "../../grpc/index.ts";
import { type HeadEdits, ResponseHead } from "../../http1/index.ts";
import { HeaderFields, type Http2Stream, type StreamOutcome, type StreamSink } from "../../http2/index.ts";
import { reasons } from "../../kernel/index.ts";
import {
  type Http2Request,
  Http2Response,
  http2ResponseFields,
  type HttpResponse,
  type Trailers,
  trailerFields,
} from "../http/index.ts";
import type { ClientStream, OwnAnswer, Refusal } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import type { ExchangeInput } from "./exchange-input.ts";
import { errorBody } from "./outcome.ts";

/** The connection that the stream is on. */
export interface Http2ClientOwner {
  readonly remoteAddress: string;
  readonly context: ServeContext;
  onStreamClosed(client: Http2Client): void;
}

export class Http2Client implements ClientStream, StreamSink {
  /** Set by whoever opened it, before anything else happens. */
  exchange: ExchangeInput | undefined = undefined;
  readonly #owner: Http2ClientOwner;
  readonly #stream: Http2Stream;
  readonly #request: Http2Request;
  #isTunnel = false;
  #isRequestPaused = false;
  #sawBody = false;
  #isResponseStarted = false;
  #isResponseEnded = false;
  #isRequestEnded: boolean;
  /** When a byte of either body came or went last. */
  #movedMs: number;

  constructor(owner: Http2ClientOwner, stream: Http2Stream, request: Http2Request) {
    this.#owner = owner;
    this.#stream = stream;
    this.#request = request;
    this.#isRequestEnded = request.isEnd;
    this.#movedMs = owner.context.coarseNowMs;
  }

  /** Every second. A response that the client gives no window for is the codec's to end. */
  sweep(nowMs: number): void {
    this.exchange?.sweep(nowMs);
    if (this.#isRequestEnded || this.#isRequestPaused || this.#isTunnel) return;
    const { limits, metrics } = this.#owner.context;
    if (nowMs - this.#movedMs < limits.bodyIdleTimeoutMs) return;
    // A gRPC call that has begun may be a watch: its silence is the application's business.
    if ((this.#isResponseStarted || this.#sawBody) && isGrpc(this.#request)) return;
    metrics.limitReached("bodyIdleTimeout");
    this.exchange?.failRequest("client_timeout", "the request's body stalled");
  }

  // ---- the stream

  onHead(): void {}

  onInterim(): void {}

  onData(chunk: Uint8Array): void {
    this.#sawBody = true;
    this.#movedMs = this.#owner.context.coarseNowMs;
    this.exchange?.onRequestBody(chunk);
  }

  onEnd(trailers: HeaderFields | undefined): void {
    this.#isRequestEnded = true;
    this.exchange?.onRequestEnd(trailers);
  }

  onDrain(): void {
    this.exchange?.onClientDrain();
  }

  onClose(outcome: StreamOutcome): void {
    const exchange = this.exchange;
    this.exchange = undefined;
    this.#owner.onStreamClosed(this);
    switch (outcome.kind) {
      case "done":
        break;
      case "lost":
        exchange?.cancel("client_closed", `the client's connection ended: ${outcome.detail}`);
        break;
      case "reset":
        if (outcome.by === "peer")
          exchange?.cancel("client_closed", `the client reset the stream: ${outcome.code}`);
        else if (outcome.code === "cancel") this.#onSendStalled(exchange, outcome.detail);
        else exchange?.cancel("malformed_request", outcome.detail === "" ? outcome.code : outcome.detail);
        break;
    }
  }

  #onSendStalled(exchange: ExchangeInput | undefined, detail: string): void {
    this.#owner.context.metrics.limitReached("bodyIdleTimeout");
    exchange?.cancel("client_timeout", detail);
  }

  // ---- the exchange

  get remoteAddress(): string {
    return this.#owner.remoteAddress;
  }

  pauseRequest(): void {
    this.#isRequestPaused = true;
    this.#stream.pause();
  }

  resumeRequest(): void {
    this.#isRequestPaused = false;
    this.#movedMs = this.#owner.context.coarseNowMs;
    this.#stream.resume();
  }

  writeInterim(head: HttpResponse): void {
    this.#stream.sendHead(http2ResponseFields(head, undefined), false);
  }

  writeHead(head: HttpResponse, edits: HeadEdits | undefined): undefined {
    const isEnd = hasNoBody(head, this.#request.method);
    this.#isResponseEnded = isEnd;
    this.#isResponseStarted = true;
    this.#stream.sendHead(http2ResponseFields(head, edits), isEnd);
    return undefined;
  }

  writeSwitch(head: HttpResponse, edits: HeadEdits | undefined): void {
    this.#stream.sendHead(http2ResponseFields(head, edits, head.status === 101 ? 200 : head.status), false);
  }

  enterTunnel(): void {
    this.#isTunnel = true;
  }

  writeBody(chunk: Uint8Array, isLast = false): boolean {
    this.#movedMs = this.#owner.context.coarseNowMs;
    const hasRoom = this.#stream.write(chunk, isLast);
    if (!hasRoom) this.#owner.context.metrics.bodiesPaused.value++;
    return hasRoom;
  }

  writeEnd(trailers: Trailers | undefined): void {
    if (this.#isResponseEnded) return;
    this.#isResponseEnded = true;
    this.#stream.end(trailerFields(trailers));
  }

  writeRefusal(refusal: Refusal): void {
    const { reason, requestId, told } = refusal;
    if (refusal.grpc !== undefined) {
      const fields = trailersOnlyHead(refusal.grpc.status, refusal.grpc.message);
      this.#finishHead(fields, refusal);
      this.#stream.sendHead(fields, true);
      return;
    }
    const body = Buffer.from(errorBody(reason, requestId, told), "utf8");
    const fields = HeaderFields.of([
      [":status", String(refusal.status ?? reasons[reason].httpStatus)],
      ["content-type", "text/plain; charset=utf-8"],
      ["content-length", String(body.length)],
    ]);
    this.#finishHead(fields, refusal);
    const isHead = this.#request.method === "HEAD";
    this.#stream.sendHead(fields, isHead);
    if (isHead) return;
    this.#stream.write(body);
    this.#stream.end();
  }

  writeAnswer(answer: OwnAnswer): void {
    const { status, grpc } = answer;
    const fields =
      grpc === undefined
        ? HeaderFields.of([[":status", String(status)]])
        : trailersOnlyHead(grpc.status, grpc.message);
    const body = grpc === undefined && this.#request.method !== "HEAD" ? answer.body : undefined;
    if (body !== undefined) fields.add("content-length", String(body.length));
    this.#finishHead(fields, answer);
    this.#stream.sendHead(fields, body === undefined);
    if (body === undefined) return;
    this.#stream.write(body);
    this.#stream.end();
  }

  onExchangeDone(): void {
    this.exchange = undefined;
    // An early answer: what the client still sends of its request is not wanted.
    if (this.#isTunnel) this.#stream.reset("no_error");
    else this.#stream.discardInput();
  }

  abort(): void {
    this.exchange = undefined;
    this.#stream.reset("internal_error");
  }

  detach(): undefined {
    return undefined;
  }

  #finishHead(fields: HeaderFields, answer: Pick<OwnAnswer, "requestId" | "lines">): void {
    fields.add("x-request-id", answer.requestId);
    for (const line of answer.lines) fields.add(line.nameLower, line.value);
  }
}

function isGrpc(request: Http2Request): boolean {
  return request.get("content-type")?.startsWith("application/grpc") === true;
}

function hasNoBody(head: HttpResponse, method: string): boolean {
  if (head instanceof Http2Response) return head.isEnd;
  if (!(head instanceof ResponseHead)) return false;
  return head.body === "none" || method === "HEAD" || (head.body === "length" && head.contentLength === 0);
}
