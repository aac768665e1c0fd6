/**
 * One HTTP request and its response, from the client's head to the last byte of the answer. All state of a request is
 * here; no promise and no closure is made for it.
 *
 *   start -> waiting for a connection -> sending --head--> responding --end--> done
 *              ^------- retry -------------'  |               |
 *              '-> refused -> done    101 -> tunnel -> done   '-> cut short -> done
 */
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import {
  encodeRequestHead,
  type HeadEdits,
  type HeaderLine,
  type RequestHead,
  type ResponseHead,
} from "../../http1/index.ts";
import type { CloseCause, ConnectFailure, Connection, WheelTimer } from "../../net/index.ts";
import type { HttpUpstream, PoolWaiter, UpstreamEndpoint, UpstreamHandler } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { type HttpDestination, type HttpService, unprocessedHeader } from "./http-service.ts";
import { parseUnprocessed, recordHttp } from "./outcome.ts";
import { Relay, type RelayListener } from "./relay.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseWriter } from "./response-writer.ts";
import { idempotentMethods, latin1Line, withoutUnprocessed } from "./exchange-heads.ts";

/** The client's connection as an exchange sees it. */
export interface ExchangeClient {
  readonly connection: Connection;
  pauseRequest(): void;
  resumeRequest(): void;
  /** The response is complete (or was refused with an answer). `keepAlive`: another request may follow. */
  onExchangeDone(keepAlive: boolean): void;
  /** The response cannot be completed: the client must notice. */
  abort(): void;
  /** The connection becomes a byte tunnel. Returns what was read behind the request. */
  detach(): Uint8Array | undefined;
}

/** A request is tried on at most this many connections: enough for one dead and one dying endpoint, bounded for storms. */
const maxAttempts = 3;
/** A caller's own id is kept up to this length; UUIDs have 36. It is repeated in logs and answers. */
const maxRequestIdLength = 128;

export class Exchange implements UpstreamHandler, PoolWaiter, RelayListener {
  readonly head: RequestHead;
  readonly #context: ServeContext;
  readonly #service: HttpService;
  readonly #client: ExchangeClient;
  readonly #body: RequestBody;
  readonly #response: ResponseWriter;
  readonly #startUs: number;
  #attemptUs = 0;
  #requestId = "";
  #hasOwnRequestId = false;
  #destination: HttpDestination | undefined;
  #route = "";
  #endpoint: UpstreamEndpoint | undefined;
  #upstream: HttpUpstream | undefined;
  #tried: UpstreamEndpoint[] | undefined;
  #attempts = 0;
  #timer: WheelTimer | undefined;
  /** For the record, when it has been released. */
  #lastEndpoint: UpstreamEndpoint | undefined;
  #isDone = false;

  constructor(context: ServeContext, service: HttpService, client: ExchangeClient, head: RequestHead) {
    this.head = head;
    this.#context = context;
    this.#service = service;
    this.#client = client;
    this.#body = new RequestBody(head.body, context.scratch);
    this.#response = new ResponseWriter(context, client.connection, head);
    this.#startUs = context.clock.monotonicUs();
  }

  start(): void {
    this.#context.inFlight++;
    this.#requestId = this.head.get("x-request-id") ?? "";
    if (this.#requestId === "" || this.#requestId.length > maxRequestIdLength) {
      this.#requestId = this.#context.requestIds.next();
      this.#hasOwnRequestId = true;
    }
    if (this.head.method === "CONNECT") {
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
    if (selected.timeoutMs > 0) {
      this.#timer = this.#context.wheel.schedule(selected.timeoutMs, () => this.#onTimeout());
    }
    this.#dispatch(selected, "no_endpoint", "the cluster has no usable endpoint");
  }

  // ---- the client's side

  onRequestBody(chunk: Uint8Array): void {
    if (this.#isDone) return;
    if (!this.#body.push(chunk, this.#upstream?.connection)) this.#client.pauseRequest();
  }

  onRequestTrailers(lines: Uint8Array): void {
    this.#body.setTrailers(lines);
  }

  onRequestEnd(): void {
    this.#body.isEnded = true;
    if (this.#upstream !== undefined) this.#completeRequest(this.#upstream);
  }

  onClientDrain(): void {
    this.#upstream?.connection.resume();
  }

  /** The client went away, or its bytes turned out to be malformed: no answer is possible or asked for. */
  cancel(reason: ReasonCode, detail: string): void {
    if (this.#isDone) return;
    this.#letGo();
    if (!this.#response.isStarted) this.#response.status = reasons[reason].httpStatus;
    this.#finish(reason, detail);
  }

  /** The body is malformed or never came: refused with an answer where none has started. */
  failRequest(reason: ReasonCode, detail: string): void {
    if (this.#isDone) return;
    this.#letGo();
    this.#fail(reason, detail);
  }

  // ---- the upstream's side

  onUpstream(upstream: HttpUpstream): void {
    const destination = this.#destination;
    if (destination === undefined) return;
    if (!upstream.isReused) this.#endpoint?.recordConnected();
    this.#upstream = upstream;
    this.#attemptUs = this.#context.clock.monotonicUs();
    const isUpgrade = this.head.hasUpgrade;
    upstream.begin(this, this.head.method, isUpgrade);
    this.#sendHead(upstream.connection, destination.requestEdits, isUpgrade);
    const hasRoom = this.#body.sendKept(upstream.connection);
    if (hasRoom) this.#client.resumeRequest();
    else this.#client.pauseRequest();
    if (this.#body.isEnded) this.#completeRequest(upstream);
  }

  onUpstreamFailed(failure: ConnectFailure): void {
    this.#context.metrics.connectFailed(failure.reason);
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    endpoint.recordConnectFailure(this.#context.clock.monotonicUs());
    const isInbound = this.#service.direction === "inbound";
    this.#tryElsewhere(isInbound ? "application_unreachable" : failure.reason, failure.detail);
  }

  onUpstreamInterim(head: ResponseHead): void {
    this.#response.writeInterim(head);
  }

  onUpstreamHead(head: ResponseHead): void {
    const endpoint = this.#endpoint;
    const nowUs = this.#context.clock.monotonicUs();
    endpoint?.latency.observe(nowUs - this.#attemptUs, nowUs);
    let edits = this.#destination?.responseEdits;
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
    if (head.status === 101) this.#becomeTunnel(head, edits);
    else this.#response.writeHead(head, edits, this.#body.isEnded);
  }

  onUpstreamBody(chunk: Uint8Array): void {
    if (!this.#response.writeBody(chunk)) this.#upstream?.connection.pause();
  }

  onUpstreamTrailers(lines: Uint8Array): void {
    this.#response.setTrailers(lines);
  }

  onUpstreamEnd(): void {
    this.#response.writeEnd();
    this.#upstream = undefined;
    this.#releaseEndpoint();
    this.#finish(undefined, "");
    this.#client.onExchangeDone(this.#response.keepAlive);
  }

  onUpstreamDrain(): void {
    this.#client.resumeRequest();
  }

  onUpstreamLost(reason: ReasonCode, detail: string): void {
    const wasReused = this.#upstream?.isReused === true;
    this.#upstream = undefined;
    const isSafe = idempotentMethods.has(this.head.method) && this.#body.isReplayable;
    const isStale =
      wasReused && !this.#response.isStarted && !this.#response.sawInterim && reason === "upstream_reset";
    if (isStale && isSafe && this.#attempts < maxAttempts && this.#destination !== undefined) {
      this.#endpoint?.pool.dropIdle();
      this.#releaseEndpoint();
      this.#context.metrics.retried(reason);
      this.#dispatch(this.#destination, reason, detail);
      return;
    }
    this.#releaseEndpoint();
    this.#fail(reason, detail);
  }

  // ---- a tunnel's end

  onRelayEnd(relay: Relay, cause: CloseCause): void {
    this.#body.byteLength += relay.bytesFromClient;
    this.#response.byteLength += relay.bytesFromServer;
    this.#releaseEndpoint();
    this.#finish(cause === "ended" ? undefined : "upstream_reset", cause);
  }

  // ---- steps

  #dispatch(destination: HttpDestination, reason: ReasonCode, detail: string): void {
    const context = this.#context;
    const endpoint = destination.cluster.picker.pick(
      context.clock.monotonicUs(),
      context.random,
      this.#tried,
    );
    if (endpoint === undefined) {
      this.#refuse(reason, detail);
      return;
    }
    this.#endpoint = endpoint;
    this.#attempts++;
    endpoint.inFlight++;
    const acquired = endpoint.pool.acquire(this);
    if (acquired === undefined) return;
    if (typeof acquired === "string") this.#tryElsewhere(acquired, "the endpoint's connection pool refused");
    else this.onUpstream(acquired);
  }

  /** The request has not been processed: another endpoint may have it, while the whole body is still here. */
  #tryElsewhere(reason: ReasonCode, detail: string): void {
    const endpoint = this.#endpoint;
    this.#releaseEndpoint();
    const destination = this.#destination;
    if (endpoint === undefined || destination === undefined) return;
    if (this.#attempts < maxAttempts && this.#body.isReplayable && reasons[reason].isUnprocessed) {
      this.#tried ??= [];
      this.#tried.push(endpoint);
      if (this.#tried.length < destination.cluster.picker.members.length)
        this.#context.metrics.retried(reason);
      this.#dispatch(destination, reason, detail);
    } else {
      this.#refuse(reason, detail);
    }
  }

  #onUnprocessed(reason: ReasonCode): void {
    // The answer's body is of no interest, and neither is a connection to a proxy without its application.
    this.#upstream?.abandon();
    this.#upstream = undefined;
    this.#endpoint?.recordConnectFailure(this.#context.clock.monotonicUs());
    this.#tryElsewhere(reason, "the peer proxy did not reach its application");
  }

  #sendHead(connection: Connection, edits: HeadEdits | undefined, isUpgrade: boolean): void {
    const lines: HeaderLine[] = [];
    if (this.#hasOwnRequestId) lines.push(latin1Line("x-request-id", this.#requestId));
    this.#service.addLines(this.head, lines);
    const scratch = this.#context.scratch;
    scratch.clear();
    encodeRequestHead(scratch, this.head, edits, { lines, upgrade: isUpgrade });
    connection.write(scratch.view());
  }

  #completeRequest(upstream: HttpUpstream): void {
    this.#body.sendEnd(upstream.connection);
    upstream.isRequestComplete = true;
  }

  #becomeTunnel(head: ResponseHead, edits: HeadEdits | undefined): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    this.#response.writeSwitch(head, edits);
    this.#upstream = undefined;
    this.#timer?.cancel();
    upstream.detach();
    const fromClient = this.#client.detach();
    new Relay(this.#client.connection, upstream.connection, this).start(fromClient);
  }

  #onTimeout(): void {
    if (this.#isDone) return;
    this.#letGo();
    this.#fail("request_timeout", `no complete response within ${this.#destination?.timeoutMs ?? 0} ms`);
  }

  /** Withdraws from whatever is waited for upstream. What was sent there is reset, so the work really ends. */
  #letGo(): void {
    if (this.#upstream !== undefined) this.#upstream.abandon();
    else this.#endpoint?.pool.cancel(this);
    this.#upstream = undefined;
    this.#releaseEndpoint();
  }

  #releaseEndpoint(): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    endpoint.inFlight--;
    this.#lastEndpoint = endpoint;
    this.#endpoint = undefined;
  }

  #fail(reason: ReasonCode, detail: string): void {
    if (!this.#response.isStarted) {
      this.#refuse(reason, detail);
      return;
    }
    this.#finish(reason, detail);
    this.#client.abort();
  }

  #refuse(reason: ReasonCode, detail: string): void {
    this.#response.writeRefusal(reason, this.#requestId, {
      tellsUnprocessed: this.#service.tellsUnprocessed,
      isRequestEnded: this.#body.isEnded,
    });
    this.#finish(reason, detail);
    this.#client.onExchangeDone(this.#response.keepAlive);
  }

  #finish(reason: ReasonCode | undefined, detail: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer?.cancel();
    this.#body.forget();
    const context = this.#context;
    context.inFlight--;
    const endpoint = this.#lastEndpoint;
    recordHttp(context, {
      edge: this.#service.edge(this.#route, endpoint),
      head: this.head,
      requestId: this.#requestId,
      status: this.#response.status,
      reason,
      detail,
      peerAddress: this.#client.connection.remoteAddress,
      upstreamAddress: context.isAccessLogged ? describePlace(endpoint) : "",
      attempts: this.#attempts,
      requestBytes: this.#body.byteLength,
      responseBytes: this.#response.byteLength,
      durationUs: context.clock.monotonicUs() - this.#startUs,
    });
  }
}

function describePlace(endpoint: UpstreamEndpoint | undefined): string {
  return endpoint === undefined ? "" : `${endpoint.target.address}:${endpoint.target.port}`;
}
