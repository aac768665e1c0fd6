/**
 * One HTTP request and its response, from the client's head to the last byte of the answer, whichever versions of HTTP the
 * two sides speak. All state of a request is here; no promise and no closure is made for it.
 *
 *   start -> waiting for a connection -> sending --head--> responding --end--> done
 *              ^------- retry -------------'  |               |
 *              '-> refused -> done    101 -> tunnel -> done   '-> cut short -> done
 */
import type { ResetCode } from "../../grpc/index.ts";
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import { type HeadEdits, type HeaderLine, RequestHead } from "../../http1/index.ts";
import type { CloseCause, ConnectFailure, WheelTimer } from "../../net/index.ts";
import {
  type HttpRequest,
  type HttpResponse,
  type HttpVersion,
  isPlainConnect,
  isSwitch,
  type Trailers,
  upgradeOf,
} from "../http/index.ts";
import type { PoolWaiter, UpstreamHandler, UpstreamStream } from "../upstream/index.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { idempotentMethods, latin1Line, withoutUnprocessed } from "./exchange-heads.ts";
import { EndpointAttempts } from "./endpoint-attempts.ts";
import type { ExchangeInput } from "./exchange-input.ts";
import { GrpcCall, shorterTimeout } from "./grpc-call.ts";
import { type HttpDestination, type HttpService, unprocessedHeader } from "./http-service.ts";
import { parseUnprocessed, recordHttp } from "./outcome.ts";
import { Relay, type RelayListener } from "./relay.ts";
import { RequestBody } from "./request-body.ts";

/** A caller's own id is kept up to this length; UUIDs have 36. It is repeated in logs and answers. */
const maxRequestIdLength = 128;

export class Exchange implements ExchangeInput, UpstreamHandler, PoolWaiter, RelayListener {
  readonly head: HttpRequest;
  readonly #context: ServeContext;
  readonly #service: HttpService;
  readonly #client: ClientStream;
  readonly #body: RequestBody;
  readonly #startUs: number;
  /** The request is gRPC's: failures are said in its status, its deadline holds. */
  readonly #grpc: GrpcCall | undefined;
  /** Asks to switch protocols. */
  readonly #isUpgrade: boolean;
  #attemptUs = 0;
  #requestId = "";
  #hasOwnRequestId = false;
  #destination: HttpDestination | undefined;
  #route = "";
  readonly #attempts = new EndpointAttempts();
  #upstream: UpstreamStream | undefined;
  #timer: WheelTimer | undefined;
  #timeoutMs = 0;
  /** The final head has been written: from here on nothing else can be answered. */
  #isResponseStarted = false;
  #sawInterim = false;
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
    this.#body = new RequestBody(context.limits.maxBufferedBodyBytes, context.metrics.bodiesPaused);
    this.#grpc = GrpcCall.of(head);
    this.#isUpgrade = upgradeOf(head) !== undefined;
    this.#startUs = context.clock.monotonicUs();
  }

  get needsSettings(): boolean {
    return this.#isUpgrade;
  }

  start(): void {
    this.#context.inFlight++;
    this.#requestId = this.head.get("x-request-id") ?? "";
    if (this.#requestId === "" || this.#requestId.length > maxRequestIdLength) {
      this.#requestId = this.#context.requestIds.next();
      this.#hasOwnRequestId = true;
    }
    if (!this.#service.servesConnect && isPlainConnect(this.head)) {
      this.#refuse("unsupported_request", "CONNECT is not served here");
      return;
    }
    const selected = this.#service.select(this.head);
    this.#route = selected.route;
    if ("reason" in selected) {
      this.#refuse(selected.reason, selected.detail);
      return;
    }
    this.#destination = selected;
    this.#timeoutMs = shorterTimeout(selected.timeoutMs, this.#grpc?.timeoutMs ?? 0);
    if (this.#timeoutMs > 0) {
      this.#timer = this.#context.wheel.schedule(this.#timeoutMs, () => this.#onTimeout());
    }
    this.#attempts.begin(selected, this.head, this.#client, this.#service);
    this.#dispatch(selected, "no_endpoint", "the cluster has no usable endpoint");
  }

  // ---- the client's side

  onRequestBody(chunk: Uint8Array): void {
    if (this.#isDone) return;
    if (!this.#body.push(chunk, this.#upstream)) this.#client.pauseRequest();
  }

  onRequestEnd(trailers: Trailers | undefined): void {
    this.#body.isEnded = true;
    this.#body.trailers = trailers;
    this.#upstream?.writeEnd(trailers);
    if (this.#isTunnel && this.#isUpstreamEnded) this.#complete();
  }

  onClientDrain(): void {
    this.#upstream?.resume();
  }

  cancel(reason: ReasonCode, detail: string): void {
    if (this.#isDone) return;
    this.#letGo();
    if (!this.#isResponseStarted) this.#status = reasons[reason].httpStatus;
    this.#finish(reason, detail);
  }

  failRequest(reason: ReasonCode, detail: string): void {
    if (this.#isDone) return;
    this.#letGo();
    this.#fail(reason, detail);
  }

  // ---- the upstream's side

  onUpstream(upstream: UpstreamStream): void {
    const destination = this.#destination;
    if (destination === undefined) return;
    if (!upstream.isReused) this.#attempts.current?.recordConnected();
    this.#upstream = upstream;
    this.#attemptUs = this.#context.clock.monotonicUs();
    const obstacle = upstream.begin(this, {
      head: this.head,
      edits: destination.requestEdits,
      lines: this.#lines(),
      scheme: this.#service.scheme,
      isUpgrade: this.#isUpgrade,
    });
    if (obstacle !== undefined) {
      this.#upstream = undefined;
      this.#attempts.release();
      this.#refuse("malformed_request", obstacle);
      return;
    }
    const hasRoom = this.#body.sendKept(upstream);
    if (hasRoom) this.#client.resumeRequest();
    else this.#client.pauseRequest();
    if (this.#body.isEnded) upstream.writeEnd(this.#body.trailers);
  }

  onUpstreamFailed(failure: ConnectFailure): void {
    this.#context.metrics.connectFailed(failure.reason);
    const endpoint = this.#attempts.current;
    if (endpoint === undefined) return;
    endpoint.recordConnectFailure(this.#context.clock.monotonicUs());
    const isInbound = this.#service.direction === "inbound";
    this.#tryElsewhere(isInbound ? "application_unreachable" : failure.reason, failure.detail);
  }

  onUpstreamInterim(head: HttpResponse): void {
    this.#sawInterim = true;
    this.#client.writeInterim(head);
  }

  onUpstreamHead(head: HttpResponse): void {
    const endpoint = this.#attempts.current;
    const nowUs = this.#context.clock.monotonicUs();
    endpoint?.observeAnswer(head.status, nowUs - this.#attemptUs, nowUs);
    let edits = this.#attempts.responseEdits(this.#destination?.responseEdits);
    if (head.status === 503) {
      const unprocessed = head.get(unprocessedHeader);
      if (unprocessed !== undefined) {
        if (this.#service.direction === "outbound" && endpoint?.isTunnelled === true) {
          this.#onUnprocessed(parseUnprocessed(unprocessed));
          return;
        }
        // An application may not speak for its proxy.
        edits = withoutUnprocessed(edits);
      }
    }
    this.#body.forget();
    if (isSwitch(this.head, head, this.#upstream?.version)) {
      this.#becomeTunnel(head, edits);
      return;
    }
    const obstacle = this.#client.writeHead(head, edits, this.#body.isEnded);
    if (obstacle !== undefined) {
      this.#letGo();
      this.#refuse("upstream_malformed", obstacle);
      return;
    }
    this.#isResponseStarted = true;
    this.#status = head.status;
    this.#grpc?.readStatus(head);
  }

  onUpstreamBody(chunk: Uint8Array, isLast = false): void {
    this.#responseBytes += chunk.length;
    if (!this.#client.writeBody(chunk, isLast && !this.#isTunnel)) this.#upstream?.pause();
  }

  onUpstreamEnd(trailers: Trailers | undefined): void {
    this.#grpc?.readTrailers(trailers);
    this.#client.writeEnd(trailers);
    if (this.#isTunnel) {
      this.#isUpstreamEnded = true;
      if (!this.#body.isEnded) return;
    }
    this.#complete();
  }

  onUpstreamDrain(): void {
    this.#client.resumeRequest();
  }

  onUpstreamLost(reason: ReasonCode, detail: string, isUnprocessed: boolean, resetCode?: ResetCode): void {
    if (resetCode !== undefined) this.#grpc?.readReset(resetCode);
    const wasReused = this.#upstream?.isReused === true;
    this.#upstream = undefined;
    const isUntouched = !this.#isResponseStarted && !this.#sawInterim && reason === "upstream_reset";
    const isSafe = isUnprocessed || (wasReused && idempotentMethods.has(this.head.method));
    const mayRetry = isUntouched && isSafe && this.#body.isReplayable && this.#attempts.hasMore;
    if (mayRetry && this.#destination !== undefined) {
      if (!isUnprocessed) this.#attempts.current?.pool.dropIdle();
      this.#attempts.release();
      this.#context.metrics.retried(reason);
      this.#dispatch(this.#destination, reason, detail);
      return;
    }
    this.#attempts.release();
    this.#fail(reason, detail);
  }

  // ---- a tunnel's end

  onRelayEnd(relay: Relay, cause: CloseCause): void {
    this.#body.byteLength += relay.bytesFromClient;
    this.#responseBytes += relay.bytesFromServer;
    this.#attempts.release();
    this.#finish(cause === "ended" ? undefined : "upstream_reset", cause);
  }

  // ---- steps

  #dispatch(destination: HttpDestination, reason: ReasonCode, detail: string): void {
    const context = this.#context;
    const endpoint = this.#attempts.next(context, destination.cluster);
    if (endpoint === undefined) {
      this.#refuse(reason, detail);
      return;
    }
    const client: HttpVersion = this.head instanceof RequestHead ? 1 : 2;
    const version = destination.cluster.versionFor(client, endpoint, this.#grpc !== undefined);
    const acquired = endpoint.pool.acquire(version, this);
    if (acquired === undefined) return;
    if (typeof acquired === "string") this.#tryElsewhere(acquired, "the endpoint's connection pool refused");
    else this.onUpstream(acquired);
  }

  /** The request has not been processed: another endpoint may have it, while the whole body is still here. */
  #tryElsewhere(reason: ReasonCode, detail: string): void {
    const endpoint = this.#attempts.current;
    this.#attempts.release();
    const destination = this.#destination;
    if (endpoint === undefined || destination === undefined) return;
    if (this.#attempts.hasMore && this.#body.isReplayable && reasons[reason].isUnprocessed) {
      if (this.#attempts.avoid(endpoint, destination.cluster)) this.#context.metrics.retried(reason);
      this.#dispatch(destination, reason, detail);
    } else {
      this.#refuse(reason, detail);
    }
  }

  #onUnprocessed(reason: ReasonCode): void {
    // The answer's body is of no interest, and neither is a connection to a proxy without its application.
    this.#upstream?.abandon();
    this.#upstream = undefined;
    this.#attempts.current?.recordConnectFailure(this.#context.clock.monotonicUs());
    this.#tryElsewhere(reason, "the peer proxy did not reach its application");
  }

  #lines(): HeaderLine[] {
    const lines: HeaderLine[] = [];
    if (this.#hasOwnRequestId) lines.push(latin1Line("x-request-id", this.#requestId));
    this.#service.addLines(this.head, lines);
    return lines;
  }

  #becomeTunnel(head: HttpResponse, edits: HeadEdits | undefined): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    this.#isResponseStarted = true;
    this.#status = head.status;
    this.#client.writeSwitch(head, edits);
    this.#timer?.cancel();
    const server = this.head instanceof RequestHead ? upstream.detach() : undefined;
    const client = server === undefined ? undefined : this.#client.detach();
    if (server !== undefined && client !== undefined) {
      this.#upstream = undefined;
      new Relay(client.connection, server, this).start(client.alreadyRead);
      return;
    }
    this.#isTunnel = true;
    // What ended over HTTP/1.1 was the request alone.
    if (this.head instanceof RequestHead) this.#body.isEnded = false;
    upstream.enterTunnel();
    this.#client.enterTunnel();
  }

  #onTimeout(): void {
    if (this.#isDone) return;
    this.#letGo();
    this.#fail("request_timeout", `no complete response within ${this.#timeoutMs} ms`);
  }

  /** Withdraws from whatever is waited for upstream. What was sent there is reset, so the work really ends. */
  #letGo(): void {
    if (this.#upstream !== undefined) this.#upstream.abandon();
    else this.#attempts.current?.pool.cancel(this);
    this.#upstream = undefined;
    this.#attempts.release();
  }

  #complete(): void {
    this.#upstream = undefined;
    this.#attempts.release();
    this.#finish(undefined, "");
    this.#client.onExchangeDone();
  }

  #fail(reason: ReasonCode, detail: string): void {
    if (!this.#isResponseStarted) {
      this.#refuse(reason, detail);
      return;
    }
    const trailers = this.#isTunnel ? undefined : this.#grpc?.failureTrailers(reason, this.#requestId);
    this.#finish(reason, detail);
    if (trailers === undefined) {
      this.#client.abort();
    } else {
      this.#client.writeEnd(trailers);
      this.#client.onExchangeDone();
    }
  }

  #refuse(reason: ReasonCode, detail: string): void {
    const facts = reasons[reason];
    const tellsUnprocessed = this.#service.tellsUnprocessed && facts.isUnprocessed;
    this.#status = facts.httpStatus;
    this.#client.writeRefusal({
      reason,
      requestId: this.#requestId,
      lines: tellsUnprocessed ? [latin1Line(unprocessedHeader, reason)] : [],
      isRequestEnded: this.#body.isEnded,
      // The calling proxy reads the status, tries elsewhere, or says it in gRPC's way itself.
      grpc: tellsUnprocessed ? undefined : this.#grpc?.failure(reason, this.#requestId),
    });
    this.#finish(reason, detail);
    this.#client.onExchangeDone();
  }

  #finish(reason: ReasonCode | undefined, detail: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer?.cancel();
    this.#body.forget();
    const context = this.#context;
    context.inFlight--;
    const endpoint = this.#attempts.last;
    recordHttp(context, {
      edge: this.#service.edge(this.#route, endpoint),
      head: this.head,
      requestId: this.#requestId,
      status: reason === undefined ? (this.#grpc?.httpStatus(this.#status) ?? this.#status) : this.#status,
      reason,
      detail,
      peerAddress: this.#client.remoteAddress,
      upstreamAddress: context.isAccessLogged ? this.#attempts.place : "",
      attempts: this.#attempts.count,
      requestBytes: this.#body.byteLength,
      responseBytes: this.#responseBytes,
      durationUs: context.clock.monotonicUs() - this.#startUs,
    });
  }
}
