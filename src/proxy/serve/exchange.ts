/**
 * One HTTP request and its response, from the client's head to the last byte of the answer, whichever versions of HTTP the
 * two sides speak. What endpoints do is seen by its tries (`tries.ts`) first; here is the client's side and the answer that
 * is forwarded. No promise and no closure is made for a request.
 *
 *   start -> admission -> tries --answer--> responding --end--> done
 *     |          |          |  '-101-> tunnel -> done '-> cut short -> done
 *     '----------'----------'-> refused -> done
 */
import type { ResetCode } from "../../grpc/index.ts";
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import { type HeadEdits, RequestHead } from "../../http1/index.ts";
import type { CloseCause } from "../../net/index.ts";
import type { FilterRefusal } from "../admission/filter.ts";
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
import { type ComposedParts, composeRequest } from "./composed-request.ts";
import type { ServeContext } from "./context.ts";
import { type AnsweredRequest, answerNotAdmitted, answerRefusal, answerRoute } from "./exchange-answers.ts";
import { type AdmittedRequest, ExchangeAdmission } from "./exchange-admission.ts";
import type { ExchangeInput } from "./exchange-input.ts";
import { startTries } from "./fault-injection.ts";
import { GrpcCall, shorterTimeout } from "./grpc-call.ts";
import { passedEdits, peerGraceMs, readDenial, readTry, type TryField } from "./hop-fields.ts";
import type { HttpDestination, HttpSelection, HttpService } from "./http-service.ts";
import { Mirrors } from "./mirrors.ts";
import type { ExchangeTimes } from "../observation/index.ts";
import { recordHttp, telemetryOf } from "./outcome.ts";
import { passedTrailers } from "./passed-trailers.ts";
import { Relay, type RelayListener } from "./relay.ts";
import { RequestBody } from "./request-body.ts";
import { TimedRequest } from "./timed-request.ts";
import { Tries, type TriedRequest } from "./tries.ts";
import { isSuspect } from "./try-end.ts";

export class Exchange
  extends TimedRequest
  implements ExchangeInput, TriedRequest, RelayListener, AdmittedRequest, ComposedParts, ExchangeTimes
{
  readonly head: HttpRequest;
  readonly #context: ServeContext;
  readonly service: HttpService;
  readonly #client: ClientStream;
  readonly body: RequestBody;
  /** The request is gRPC's: failures are said in its status, its deadline holds. */
  readonly #grpc: GrpcCall | undefined;
  readonly isGrpc: boolean;
  readonly isUpgrade: boolean;
  /** What the request says of its time and of tries before it. */
  said: TryField | undefined;
  #selected: HttpSelection | undefined;
  destination: HttpDestination | undefined;
  /** Undefined: no policy is asked. */
  admission: ExchangeAdmission | undefined;
  readonly #tries: Tries;
  #mirrors: Mirrors | undefined;
  /** The try whose answer is forwarded. */
  #winner: Attempt | undefined;
  /** Has a place for this request until it is done. */
  #limit: RequestLimit | undefined;
  /** When a byte of either body, or a head, came last. */
  #movedMs: number;
  hasResponse = false;
  /** The final head has been written: from here on nothing else can be answered. */
  #isResponseStarted = false;
  #status = 0;
  #answer: HttpResponse | undefined = undefined;
  /** Of the answer: its proxy's policies said no. */
  #denial: ReasonCode | undefined = undefined;
  #responseBytes = 0;
  /** A tunnel: bodies are its bytes, and it is over when both directions have ended. */
  #isTunnel = false;
  #isUpstreamEnded = false;
  #isDone = false;

  constructor(context: ServeContext, service: HttpService, client: ClientStream, head: HttpRequest) {
    super(context.clock);
    this.head = head;
    this.#context = context;
    this.service = service;
    this.#client = client;
    this.body = new RequestBody(context.bodyKeeping);
    this.body.captured = context.observers.bodies?.begin();
    this.#grpc = GrpcCall.of(head);
    this.isGrpc = this.#grpc !== undefined;
    this.isUpgrade = upgradeOf(head) !== undefined;
    this.#tries = new Tries(context, service, this, client);
    this.#movedMs = context.coarseNowMs;
  }

  start(): void {
    this.#context.inFlight++;
    this.identify(this.#context, this.head, this.service);
    if (!this.service.servesConnect && isPlainConnect(this.head))
      return this.#refuse("unsupported_request", "CONNECT is not served here");
    this.said = readTry(this.head, this.service.trustsTry);
    const selected = this.service.select(this.head, this.requestId);
    this.#selected = selected;
    this.telemetry = telemetryOf(this.#context, this.service, selected);
    if ("cluster" in selected) this.#expect(selected);
    const { asked } = this.service;
    if (asked === undefined) return this.#goOn(selected);
    this.admission = new ExchangeAdmission(this.#context, this, this.#client, asked);
    this.admission.start();
  }

  /** From here on the request has its route's time. */
  #expect(selected: HttpDestination): void {
    this.destination = selected;
    const { maxBodyBytes } = selected.requests.retry;
    if (maxBodyBytes !== undefined) this.body.maxReplayBytes = maxBodyBytes;
    const ofCaller = shorterTimeout(this.#grpc?.timeoutMs ?? 0, this.said?.timeoutMs ?? 0);
    const timeoutMs = shorterTimeout(selected.requests.requestTimeoutMs, ofCaller);
    const graceMs = this.service.tellsUnprocessed ? peerGraceMs : 0;
    this.boundTime(this.#context.wheel, timeoutMs, graceMs);
  }

  /** Nothing stands against it: only now the route, its limits and its backends have to do with it. */
  #goOn(selected: HttpSelection): void {
    if (this.#context.observers.wantsTimes) this.markAdmitted();
    if ("reason" in selected) return this.#refuse(selected.reason, selected.detail);
    if ("status" in selected) return this.#settle(answerRoute(this.#answered(), selected), undefined, "");
    if (selected.cluster.requestLimit?.enter() === false) {
      this.#context.metrics.clusterLimitReached("requests");
      const detail = `${selected.cluster.key} has as many requests in flight as it may`;
      return this.#refuse("cluster_limit", detail);
    }
    this.#limit = selected.cluster.requestLimit;
    if (selected.mirrors !== undefined) this.#mirrors = new Mirrors(this.#context, this, selected.mirrors);
    startTries(this.#tries, selected, this);
  }

  // ---- admission

  onAdmitted(): void {
    if (this.#isDone || this.#selected === undefined) return;
    // They may have come before the filters had said what they change.
    this.body.trailers = passedTrailers(this.body.trailers, this.admission, this.destination);
    this.#goOn(this.#selected);
  }

  onNotAdmitted(refusal: FilterRefusal, told: string | undefined): void {
    if (this.#isDone) return;
    this.#settle(answerNotAdmitted(this.#answered(), refusal, told), refusal.reason, refusal.detail);
  }

  // ---- the client's side

  onRequestBody(chunk: Uint8Array): void {
    if (this.#isDone) return;
    this.#movedMs = this.#context.coarseNowMs;
    this.#mirrors?.push(chunk);
    const hasRoom = this.body.push(chunk, this.#tries);
    if (!hasRoom && this.admission?.onBody() !== true) this.#client.pauseRequest();
  }

  onRequestEnd(received: Trailers | undefined): void {
    const trailers = passedTrailers(received, this.admission, this.destination);
    this.body.isEnded = true;
    this.body.trailers = trailers;
    this.#mirrors?.end(trailers);
    this.#tries.writeEnd(trailers);
    this.admission?.onBody();
    if (this.#isTunnel && this.#isUpstreamEnded) this.#complete();
  }

  onClientDrain(): void {
    this.#movedMs = this.#context.coarseNowMs;
    this.#winner?.upstream?.resume();
  }

  sweep(nowMs: number): void {
    const idleMs = this.destination?.requests.streamIdleTimeoutMs ?? 0;
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
    return this.said !== undefined && this.said.attempt > 0;
  }

  upstreamRequest(endpoint: UpstreamEndpoint, retries: number): UpstreamRequest {
    return composeRequest(this, endpoint.isTunnelled, retries);
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
    let edits = this.#tries.responseEdits(attempt, this.destination?.responseEdits);
    if (this.admission !== undefined) edits = this.admission.answerEdits(edits);
    if (isSuspect(head, this.isGrpc)) {
      if (this.service.direction === "outbound" && attempt.endpoint.isTunnelled)
        this.#denial = readDenial(head);
      const forbidsRetry = this.service.tellsUnprocessed && this.#context.hasSpentRetries;
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
    this.#answer = head;
    if (this.#context.observers.wantsTimes) this.markFirstByte();
    this.#grpc?.readStatus(head);
  }

  onAnswerBody(chunk: Uint8Array, isLast: boolean): void {
    this.#responseBytes += chunk.length;
    this.body.captured?.onResponse(chunk);
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

  #becomeTunnel(attempt: Attempt, head: HttpResponse, edits: HeadEdits | undefined): void {
    const { upstream } = attempt;
    if (upstream === undefined) return;
    this.#isResponseStarted = true;
    this.#status = head.status;
    this.#client.writeSwitch(head, edits);
    this.releaseTime();
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

  protected override onTimeout(): void {
    if (this.#isDone) return;
    // A deadline of the caller's own says nothing about the endpoint.
    if (this.timeoutMs === this.destination?.requests.requestTimeoutMs) this.#tries.recordSilence();
    this.#letGo();
    this.#fail("request_timeout", `no complete response within ${this.timeoutMs} ms`);
  }

  /** Withdraws from whatever is waited for upstream. What was sent there is reset, so the work really ends. */
  #letGo(): void {
    this.admission?.cancel();
    this.#tries.abandon();
    this.#winner = undefined;
  }

  #complete(): void {
    this.#tries.close();
    this.#winner = undefined;
    if (this.#denial !== undefined) this.#status = this.#grpc?.httpStatus(this.#status) ?? this.#status;
    this.#finish(this.#denial, this.#denial === undefined ? "" : "a policy at the peer proxy");
    this.#client.onExchangeDone();
  }

  #fail(reason: ReasonCode, detail: string): void {
    if (!this.#isResponseStarted && this.#tries.fault?.cuts(reason) !== true) {
      this.#refuse(reason, detail);
      return;
    }
    const grpc = this.#isTunnel || !this.#isResponseStarted ? undefined : this.#grpc;
    const trailers = grpc?.failureTrailers(reason, this.requestId);
    this.#finish(reason, detail);
    if (trailers === undefined) {
      this.#client.abort();
    } else {
      this.#client.writeEnd(trailers);
      this.#client.onExchangeDone();
    }
  }

  #refuse(reason: ReasonCode, detail: string): void {
    this.#settle(answerRefusal(this.#answered(), reason), reason, detail);
  }

  /** The proxy has answered itself. */
  #settle(status: number, reason: ReasonCode | undefined, detail: string): void {
    this.#status = status;
    this.#finish(reason, detail);
    this.#client.onExchangeDone();
  }

  #answered(): AnsweredRequest {
    const { service, requestId, isInherited } = this;
    return {
      ...{ client: this.#client, service, requestId, isInherited, grpc: this.#grpc, tries: this.#tries },
      ownLines: [...(this.#selected?.ownLines ?? []), ...(this.admission?.ownLines ?? [])],
      isRequestEnded: this.body.isEnded,
    };
  }

  #finish(reason: ReasonCode | undefined, detail: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#status === 0 && reason !== undefined) this.#status = reasons[reason].httpStatus;
    const durationUs = this.end();
    this.body.forget();
    this.#mirrors?.close();
    const context = this.#context;
    context.inFlight--;
    this.#limit?.leave();
    const fault = this.#tries.fault && "fault_injected";
    const isNamed = context.observers.wantsTimes || context.isLogged(this.telemetry);
    recordHttp(context, {
      edge: this.service.edge(this.#selected, this.#tries.lastEndpoint),
      rule: this.#selected?.rule ?? "",
      head: this.head,
      response: this.#answer,
      scheme: this.service.scheme,
      requestId: this.requestId,
      policy: isNamed ? this.admission?.policy : undefined,
      status: reason === undefined ? (this.#grpc?.httpStatus(this.#status) ?? this.#status) : this.#status,
      grpcStatus: this.#grpc?.endStatus(this.#status, reason),
      // What went well for all that is not to be mistaken for what was left alone.
      reason: reason ?? fault,
      detail,
      peerAddress: this.#client.remoteAddress,
      tries: this.#tries,
      requestBytes: this.body.byteLength,
      responseBytes: this.#responseBytes,
      durationUs,
      times: this,
      bodies: this.body.captured,
      telemetry: this.telemetry,
      trace: this.trace,
    });
  }
}
