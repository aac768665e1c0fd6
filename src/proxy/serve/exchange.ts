/**
 * One HTTP request and its response, from the client's head to the last byte of the answer, whichever versions of HTTP the
 * two sides speak. What endpoints do is seen by its tries (`tries.ts`) first; here is the client's side and the answer that
 * is forwarded. No promise and no closure is made for a request.
 *
 *   start -> tries --answer--> responding --end--> done
 *     |        |  '-101-> tunnel -> done '-> cut short -> done
 *     '--------'-> refused -> done
 */
import type { ResetCode } from "../../grpc/index.ts";
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import { type HeadEdits, type HeaderLine, RequestHead } from "../../http1/index.ts";
import type { CloseCause, WheelTimer } from "../../net/index.ts";
import {
  type HttpRequest,
  type HttpResponse,
  isPlainConnect,
  isSwitch,
  type Trailers,
  upgradeOf,
} from "../http/index.ts";
import type { RequestLimit, UpstreamEndpoint, UpstreamRequest } from "../upstream/index.ts";
import type { Attempt } from "./attempt.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { type AnsweredRequest, answerRefusal, answerRoute } from "./exchange-answers.ts";
import { latin1Line } from "./exchange-heads.ts";
import type { ExchangeInput } from "./exchange-input.ts";
import { startTries } from "./fault-injection.ts";
import { GrpcCall, shorterTimeout } from "./grpc-call.ts";
import { addTryLines, passedEdits, peerGraceMs, readTry, type TryField, withoutTry } from "./hop-fields.ts";
import type { HttpAnswer, HttpDestination, HttpSelection, HttpService } from "./http-service.ts";
import { Mirrors } from "./mirrors.ts";
import { recordHttp } from "./outcome.ts";
import { Relay, type RelayListener } from "./relay.ts";
import { RequestBody } from "./request-body.ts";
import { Tries, type TriedRequest } from "./tries.ts";
import { isSuspect } from "./try-end.ts";

export class Exchange implements ExchangeInput, TriedRequest, RelayListener {
  readonly head: HttpRequest;
  readonly #context: ServeContext;
  readonly #service: HttpService;
  readonly #client: ClientStream;
  readonly body: RequestBody;
  readonly #startUs: number;
  /** The request is gRPC's: failures are said in its status, its deadline holds. */
  readonly #grpc: GrpcCall | undefined;
  readonly isGrpc: boolean;
  readonly isUpgrade: boolean;
  /** What the request says of its time and of tries before it. */
  #said: TryField | undefined;
  #requestId = "";
  #hasOwnRequestId = false;
  #selected: HttpSelection | undefined;
  #destination: HttpDestination | undefined;
  readonly #tries: Tries;
  #mirrors: Mirrors | undefined;
  /** The try whose answer is forwarded. */
  #winner: Attempt | undefined;
  /** Has a place for this request until it is done. */
  #limit: RequestLimit | undefined;
  #timer: WheelTimer | undefined;
  #timeoutMs = 0;
  /** When a byte of either body, or a head, came last. */
  #movedMs: number;
  hasResponse = false;
  /** The final head has been written: from here on nothing else can be answered. */
  #isResponseStarted = false;
  #status = 0;
  #responseBytes = 0;
  /** A tunnel: bodies are its bytes, and it is over when both directions have ended. */
  #isTunnel = false;
  #isUpstreamEnded = false;
  #isDone = false;

  constructor(context: ServeContext, service: HttpService, client: ClientStream, head: HttpRequest) {
    this.head = head;
    this.#context = context;
    this.#service = service;
    this.#client = client;
    this.body = new RequestBody(context.bodyKeeping);
    this.#grpc = GrpcCall.of(head);
    this.isGrpc = this.#grpc !== undefined;
    this.isUpgrade = upgradeOf(head) !== undefined;
    this.#tries = new Tries(context, service, this, client);
    this.#startUs = context.clock.monotonicUs();
    this.#movedMs = context.coarseNowMs;
  }

  start(): void {
    this.#context.inFlight++;
    const requestId = this.head.get("x-request-id");
    this.#requestId = this.#context.requestIds.keep(requestId);
    this.#hasOwnRequestId = this.#requestId !== requestId;
    if (!this.#service.servesConnect && isPlainConnect(this.head))
      return this.#refuse("unsupported_request", "CONNECT is not served here");
    this.#said = readTry(this.head, this.#service.trustsTry);
    const selected = this.#service.select(this.head);
    this.#selected = selected;
    if ("reason" in selected) return this.#refuse(selected.reason, selected.detail);
    if ("status" in selected) return this.#answer(selected);
    if (selected.cluster.requestLimit?.enter() === false) {
      this.#context.metrics.clusterLimitReached("requests");
      return this.#refuse(
        "cluster_limit",
        `${selected.cluster.key} has as many requests in flight as it may`,
      );
    }
    this.#limit = selected.cluster.requestLimit;
    this.#destination = selected;
    this.#timeoutMs = shorterTimeout(
      selected.requests.requestTimeoutMs,
      shorterTimeout(this.#grpc?.timeoutMs ?? 0, this.#said?.timeoutMs ?? 0),
    );
    const { maxBodyBytes } = selected.requests.retry;
    if (maxBodyBytes !== undefined) this.body.maxReplayBytes = maxBodyBytes;
    if (this.#timeoutMs > 0) {
      const graceMs = this.#service.tellsUnprocessed ? peerGraceMs : 0;
      this.#timer = this.#context.wheel.schedule(this.#timeoutMs + graceMs, () => this.#onTimeout());
    }
    if (selected.mirrors !== undefined) this.#mirrors = new Mirrors(this.#context, this, selected.mirrors);
    startTries(this.#tries, selected, this);
  }

  // ---- the client's side

  onRequestBody(chunk: Uint8Array): void {
    if (this.#isDone) return;
    this.#movedMs = this.#context.coarseNowMs;
    this.#mirrors?.push(chunk);
    if (!this.body.push(chunk, this.#tries)) this.#client.pauseRequest();
  }

  onRequestEnd(trailers: Trailers | undefined): void {
    this.body.isEnded = true;
    this.body.trailers = trailers;
    this.#mirrors?.end(trailers);
    this.#tries.writeEnd(trailers);
    if (this.#isTunnel && this.#isUpstreamEnded) this.#complete();
  }

  onClientDrain(): void {
    this.#movedMs = this.#context.coarseNowMs;
    this.#winner?.upstream?.resume();
  }

  sweep(nowMs: number): void {
    const idleMs = this.#destination?.requests.streamIdleTimeoutMs ?? 0;
    if (idleMs === 0 || this.#isTunnel || this.#isDone || nowMs - this.#movedMs < idleMs) return;
    this.#letGo();
    this.#fail("stream_idle_timeout", `neither direction has moved for ${idleMs} ms`);
  }

  cancel(reason: ReasonCode, detail: string): void {
    if (this.#isDone) return;
    this.#letGo();
    this.#finish(reason, detail);
  }

  failRequest(reason: ReasonCode, detail: string): void {
    if (this.#isDone) return;
    this.#letGo();
    this.#fail(reason, detail);
  }

  // ---- the tries

  get isInherited(): boolean {
    return this.#said !== undefined && this.#said.attempt > 0;
  }

  remainingMs(nowUs: number): number {
    return this.#timeoutMs === 0 ? Infinity : this.#timeoutMs - (nowUs - this.#startUs) / 1_000;
  }

  upstreamRequest(endpoint: UpstreamEndpoint, retries: number): UpstreamRequest {
    const lines = this.#lines();
    const edits = this.#destination?.requestEdits;
    const isPlain = retries === 0 && this.#timeoutMs === 0 && this.#said === undefined;
    const said =
      !isPlain &&
      addTryLines(lines, this.#said, {
        isInbound: this.#service.direction === "inbound",
        isTunnelled: endpoint.isTunnelled,
        isGrpc: this.isGrpc,
        remainingMs: this.remainingMs(this.#context.clock.monotonicUs()),
        retries,
      });
    return {
      head: this.head,
      edits: said || this.#said === undefined ? edits : withoutTry(edits),
      lines,
      scheme: this.#service.scheme,
      isUpgrade: this.isUpgrade,
      rewrite: this.#destination?.rewrite,
    };
  }

  resumeRequest(hasRoom: boolean): void {
    this.#movedMs = this.#context.coarseNowMs;
    if (hasRoom) this.#client.resumeRequest();
    else this.#client.pauseRequest();
  }

  onInterim(head: HttpResponse): void {
    this.hasResponse = true;
    this.#client.writeInterim(head);
  }

  onAnswer(attempt: Attempt, head: HttpResponse): void {
    this.#winner = attempt;
    this.#movedMs = this.#context.coarseNowMs;
    let edits = this.#tries.responseEdits(attempt, this.#destination?.responseEdits);
    if (isSuspect(head, this.isGrpc)) {
      const forbidsRetry = this.#service.tellsUnprocessed && this.#context.hasSpentRetries;
      edits = passedEdits(edits, head, forbidsRetry);
    }
    this.body.forget();
    if (isSwitch(this.head, head, attempt.upstream?.version)) {
      this.#becomeTunnel(attempt, head, edits);
      return;
    }
    const obstacle = this.#client.writeHead(head, edits, this.body.isEnded);
    if (obstacle !== undefined) {
      this.#letGo();
      this.#refuse("upstream_malformed", obstacle);
      return;
    }
    this.hasResponse = true;
    this.#isResponseStarted = true;
    this.#status = head.status;
    this.#grpc?.readStatus(head);
  }

  onAnswerBody(chunk: Uint8Array, isLast: boolean): void {
    this.#responseBytes += chunk.length;
    this.#movedMs = this.#context.coarseNowMs;
    if (!this.#client.writeBody(chunk, isLast && !this.#isTunnel)) this.#winner?.upstream?.pause();
  }

  onAnswerEnd(trailers: Trailers | undefined): void {
    this.#grpc?.readTrailers(trailers);
    this.#client.writeEnd(trailers);
    if (this.#isTunnel) {
      this.#isUpstreamEnded = true;
      if (!this.body.isEnded) return;
    }
    this.#complete();
  }

  onNoAnswer(reason: ReasonCode, detail: string, resetCode: ResetCode | undefined): void {
    if (resetCode !== undefined) this.#grpc?.readReset(resetCode);
    this.#fail(reason, detail);
  }

  // ---- a tunnel's end

  onRelayEnd(relay: Relay, cause: CloseCause): void {
    this.body.byteLength += relay.bytesFromClient;
    this.#responseBytes += relay.bytesFromServer;
    this.#tries.close();
    this.#finish(cause === "ended" ? undefined : "upstream_reset", cause);
  }

  // ---- steps

  #lines(): HeaderLine[] {
    const lines: HeaderLine[] = [];
    if (this.#hasOwnRequestId) lines.push(latin1Line("x-request-id", this.#requestId));
    this.#service.addLines(this.head, lines);
    return lines;
  }

  #becomeTunnel(attempt: Attempt, head: HttpResponse, edits: HeadEdits | undefined): void {
    const { upstream } = attempt;
    if (upstream === undefined) return;
    this.#isResponseStarted = true;
    this.#status = head.status;
    this.#client.writeSwitch(head, edits);
    this.#timer?.cancel();
    const server = this.head instanceof RequestHead ? upstream.detach() : undefined;
    const client = server === undefined ? undefined : this.#client.detach();
    if (server !== undefined && client !== undefined) {
      new Relay(client.connection, server, this).start(client.alreadyRead);
      return;
    }
    this.#isTunnel = true;
    // What ended over HTTP/1.1 was the request alone.
    if (this.head instanceof RequestHead) this.body.isEnded = false;
    upstream.enterTunnel();
    this.#client.enterTunnel();
  }

  #onTimeout(): void {
    if (this.#isDone) return;
    // A deadline of the caller's own says nothing about the endpoint.
    if (this.#timeoutMs === this.#destination?.requests.requestTimeoutMs) this.#tries.recordSilence();
    this.#letGo();
    this.#fail("request_timeout", `no complete response within ${this.#timeoutMs} ms`);
  }

  /** Withdraws from whatever is waited for upstream. What was sent there is reset, so the work really ends. */
  #letGo(): void {
    this.#tries.abandon();
    this.#winner = undefined;
  }

  #complete(): void {
    this.#tries.close();
    this.#winner = undefined;
    this.#finish(undefined, "");
    this.#client.onExchangeDone();
  }

  #fail(reason: ReasonCode, detail: string): void {
    if (!this.#isResponseStarted && this.#tries.fault?.cuts(reason) !== true) {
      this.#refuse(reason, detail);
      return;
    }
    const grpc = this.#isTunnel || !this.#isResponseStarted ? undefined : this.#grpc;
    const trailers = grpc?.failureTrailers(reason, this.#requestId);
    this.#finish(reason, detail);
    if (trailers === undefined) {
      this.#client.abort();
    } else {
      this.#client.writeEnd(trailers);
      this.#client.onExchangeDone();
    }
  }

  #refuse(reason: ReasonCode, detail: string): void {
    this.#status = answerRefusal(this.#answered(), reason);
    this.#finish(reason, detail);
    this.#client.onExchangeDone();
  }

  #answer(answer: HttpAnswer): void {
    this.#status = answerRoute(this.#answered(), answer);
    this.#finish(undefined, "");
    this.#client.onExchangeDone();
  }

  #answered(): AnsweredRequest {
    return {
      client: this.#client,
      service: this.#service,
      requestId: this.#requestId,
      grpc: this.#grpc,
      tries: this.#tries,
      ownLines: this.#selected?.ownLines ?? [],
      isRequestEnded: this.body.isEnded,
      isInherited: this.isInherited,
    };
  }

  #finish(reason: ReasonCode | undefined, detail: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#status === 0 && reason !== undefined) this.#status = reasons[reason].httpStatus;
    this.#timer?.cancel();
    this.body.forget();
    this.#mirrors?.close();
    const context = this.#context;
    context.inFlight--;
    this.#limit?.leave();
    recordHttp(context, {
      edge: this.#service.edge(this.#selected?.route ?? "", this.#tries.lastEndpoint),
      rule: this.#selected?.rule ?? "",
      head: this.head,
      requestId: this.#requestId,
      status: reason === undefined ? (this.#grpc?.httpStatus(this.#status) ?? this.#status) : this.#status,
      reason,
      detail,
      peerAddress: this.#client.remoteAddress,
      tries: this.#tries,
      requestBytes: this.body.byteLength,
      responseBytes: this.#responseBytes,
      durationUs: context.clock.monotonicUs() - this.#startUs,
    });
  }
}
