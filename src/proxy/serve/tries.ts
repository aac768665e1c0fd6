/**
 * The tries of one request: on which endpoint each is made, whether there is another, and which one's answer is forwarded.
 * The exchange knows the client and the answer; what an endpoint does is seen here first.
 */
import type { ResetCode } from "../../grpc/index.ts";
import { RequestHead } from "../../http1/index.ts";
import { type Clock, type ReasonCode, reasons } from "../../kernel/index.ts";
import type { HttpRequest, HttpResponse, HttpVersion, Trailers } from "../http/index.ts";
import type { UpstreamCluster, UpstreamEndpoint, UpstreamRequest } from "../upstream/index.ts";
import { Attempt, type AttemptFailure, type AttemptOwner } from "./attempt.ts";
import type { ServeContext } from "./context.ts";
import { idempotentMethods } from "./exchange-heads.ts";
import { type HttpDestination, type HttpService, unprocessedHeader } from "./http-service.ts";
import { parseUnprocessed } from "./outcome.ts";
import type { RequestBody, RequestSink } from "./request-body.ts";

/** The request, and whoever waits for its answer. */
export interface TriedRequest {
  readonly head: HttpRequest;
  readonly body: RequestBody;
  readonly isUpgrade: boolean;
  readonly isGrpc: boolean;
  /** Something of a response has been forwarded: from here on there is no other try. */
  readonly hasResponse: boolean;
  upstreamRequest(destination: HttpDestination): UpstreamRequest;
  resumeRequest(hasRoom: boolean): void;
  onInterim(head: HttpResponse): void;
  /** This try has won; the others are over. */
  onAnswer(attempt: Attempt, head: HttpResponse): void;
  onAnswerBody(chunk: Uint8Array, isLast: boolean): void;
  onAnswerEnd(trailers: Trailers | undefined): void;
  /** No try is under way and none will be; behind the head where one was forwarded. */
  onNoAnswer(reason: ReasonCode, detail: string, resetCode: ResetCode | undefined): void;
}

/** A request is tried on at most this many connections: enough for one dead and one dying endpoint, bounded for storms. */
const maxAttempts = 3;

export class Tries implements AttemptOwner, RequestSink {
  /** So many were made. */
  count = 0;
  readonly #context: ServeContext;
  readonly #service: HttpService;
  readonly #request: TriedRequest;
  #destination: HttpDestination | undefined;
  #current: Attempt | undefined;
  /** The newest that had the request, for the record. */
  #last: UpstreamEndpoint | undefined;
  /** These did not process it and are not asked again. */
  #tried: UpstreamEndpoint[] | undefined;

  constructor(context: ServeContext, service: HttpService, request: TriedRequest) {
    this.#context = context;
    this.#service = service;
    this.#request = request;
  }

  start(destination: HttpDestination): void {
    this.#destination = destination;
    this.#next(destination.cluster, "no_endpoint", "the cluster has no usable endpoint");
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  get isUpgrade(): boolean {
    return this.#request.isUpgrade;
  }

  /** Of the newest try that is over; before the first, none. */
  get lastEndpoint(): UpstreamEndpoint | undefined {
    return this.#last;
  }

  /** Address and port of the newest, for the log. */
  get place(): string {
    return this.#last === undefined ? "" : `${this.#last.target.address}:${this.#last.target.port}`;
  }

  /** Whoever waits for an answer has gone, or has one. */
  abandon(): void {
    this.#current?.abandon();
    this.#current = undefined;
  }

  /** The exchange, or the tunnel that it became, has ended properly. */
  close(): void {
    this.#current?.close();
    this.#current = undefined;
  }

  // ---- the request's body

  get isOpen(): boolean {
    return this.#current?.upstream !== undefined;
  }

  writeBody(chunk: Uint8Array): boolean {
    return this.#current?.upstream?.writeBody(chunk) ?? true;
  }

  writeEnd(trailers: Trailers | undefined): void {
    this.#current?.upstream?.writeEnd(trailers);
  }

  // ---- the tries

  requestFor(): UpstreamRequest {
    // A try is made after the destination is known.
    if (this.#destination === undefined) throw new Error("a try without a destination");
    return this.#request.upstreamRequest(this.#destination);
  }

  onAttemptOpen(attempt: Attempt): void {
    const { body } = this.#request;
    const { upstream } = attempt;
    if (upstream === undefined) return;
    this.#request.resumeRequest(body.sendKept(upstream));
    if (body.isEnded) upstream.writeEnd(body.trailers);
  }

  onAttemptInterim(_attempt: Attempt, head: HttpResponse): void {
    this.#request.onInterim(head);
  }

  onAttemptHead(attempt: Attempt, head: HttpResponse): void {
    if (head.status === 503 && this.#service.direction === "outbound" && attempt.endpoint.isTunnelled) {
      const unprocessed = head.get(unprocessedHeader);
      if (unprocessed !== undefined) {
        this.#onHandedBack(attempt, parseUnprocessed(unprocessed));
        return;
      }
    }
    this.#request.onAnswer(attempt, head);
  }

  onAttemptBody(_attempt: Attempt, chunk: Uint8Array, isLast: boolean): void {
    this.#request.onAnswerBody(chunk, isLast);
  }

  onAttemptEnd(_attempt: Attempt, trailers: Trailers | undefined): void {
    this.#request.onAnswerEnd(trailers);
  }

  onAttemptDrain(): void {
    this.#request.resumeRequest(true);
  }

  onAttemptFailed(attempt: Attempt, failure: AttemptFailure): void {
    this.#current = undefined;
    const isInbound = this.#service.direction === "inbound";
    let reason = failure.reason;
    if (failure.cause === "connect") {
      this.#context.metrics.connectFailed(reason);
      if (isInbound) reason = "application_unreachable";
    }
    const cluster = this.#destination?.cluster;
    if (cluster === undefined || !this.#mayRepeat(failure)) {
      this.#request.onNoAnswer(reason, failure.detail, failure.resetCode);
      return;
    }
    // Idle connections of an endpoint that let one die are likely dead too.
    if (failure.cause === "stale") attempt.endpoint.pool.dropIdle();
    const isElsewhere = failure.cause === "pool" || failure.cause === "connect";
    if (!isElsewhere || this.#avoid(attempt.endpoint, cluster)) this.#context.metrics.retried(reason);
    this.#next(cluster, reason, failure.detail);
  }

  // ---- inside

  /** The peer's proxy did not reach its application. Neither its answer's body nor its connection are of interest. */
  #onHandedBack(attempt: Attempt, reason: ReasonCode): void {
    attempt.abandon();
    attempt.endpoint.recordConnectFailure(this.#context.clock.monotonicUs());
    const detail = "the peer proxy did not reach its application";
    this.onAttemptFailed(attempt, { cause: "pool", reason, detail });
  }

  #mayRepeat({ cause, reason }: AttemptFailure): boolean {
    const request = this.#request;
    if (this.count >= maxAttempts || request.hasResponse || !request.body.isReplayable) return false;
    switch (cause) {
      case "pool":
      case "connect":
        return reasons[reason].isUnprocessed;
      case "unprocessed":
        return reason === "upstream_reset";
      case "stale":
        return idempotentMethods.has(request.head.method);
      case "reset":
      case "unspeakable":
        return false;
    }
  }

  /** It did not process the request: another one is asked next. Whether there is another. */
  #avoid(endpoint: UpstreamEndpoint, cluster: UpstreamCluster): boolean {
    this.#tried ??= [];
    this.#tried.push(endpoint);
    return this.#tried.length < cluster.picker.members.length;
  }

  /** `reason`: what is said where no endpoint is left. */
  #next(cluster: UpstreamCluster, reason: ReasonCode, detail: string): void {
    const context = this.#context;
    const endpoint = cluster.picker.pick(context.clock.monotonicUs(), context.random, this.#tried);
    if (endpoint === undefined) {
      this.#request.onNoAnswer(reason, detail, undefined);
      return;
    }
    this.count++;
    this.#last = endpoint;
    const attempt = new Attempt(this, endpoint);
    this.#current = attempt;
    const client: HttpVersion = this.#request.head instanceof RequestHead ? 1 : 2;
    attempt.start(cluster.versionFor(client, endpoint, this.#request.isGrpc));
  }
}
