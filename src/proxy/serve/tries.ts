/**
 * The tries of one request: on which endpoint each is made, whether there is another, and which one's answer is forwarded.
 * The exchange knows the client and the answer; what an endpoint does is seen here first.
 *
 *   trying --head--> won
 *     |  ^-- wait ---'  (the answer is discarded)
 *     '-- failed: waiting for another that is alive | wait | given up
 */
import {
  inboundRequests,
  isSafeToRepeat,
  judgeRetry,
  type TryState,
  type Withheld,
} from "../../decide/index.ts";
import type { ResetCode } from "../../grpc/index.ts";
import { type HeadEdits, RequestHead } from "../../http1/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { WheelTimer } from "../../net/index.ts";
import type { HttpRequest, HttpResponse, HttpVersion, Trailers } from "../http/index.ts";
import type { UpstreamEndpoint, UpstreamRequest } from "../upstream/index.ts";
import { Affinity } from "./affinity.ts";
import { Attempt, type AttemptFailure, type AttemptOwner } from "./attempt.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { EndpointChoice } from "./endpoint-choice.ts";
import { recordHead, recordTrailers } from "./endpoint-outcome.ts";
import type { FaultInjection } from "./fault-injection.ts";
import { isOverload } from "./hop-fields.ts";
import type { HttpDestination, HttpService } from "./http-service.ts";
import { LiveAttempts } from "./live-attempts.ts";
import type { RequestBody, RequestSink } from "./request-body.ts";
import { endOfAnswer, endOfFailure, type EndedTry, isSuspect } from "./try-end.ts";

/** The request, and whoever waits for its answer. */
export interface TriedRequest {
  readonly head: HttpRequest;
  readonly body: RequestBody;
  readonly isUpgrade: boolean;
  readonly isGrpc: boolean;
  /** Something of a response has been forwarded: from here on there is no other try. */
  readonly hasResponse: boolean;
  /** It is part of a retry that somebody before this proxy makes. */
  readonly isInherited: boolean;
  /** Until its timeout; Infinity: none. */
  remainingMs(nowUs: number): number;
  /** `retries`: tries beside the first that were made before. */
  upstreamRequest(endpoint: UpstreamEndpoint, retries: number): UpstreamRequest;
  resumeRequest(hasRoom: boolean): void;
  onInterim(head: HttpResponse): void;
  /** This try has won; the others are over. */
  onAnswer(attempt: Attempt, head: HttpResponse): void;
  onAnswerBody(chunk: Uint8Array, isLast: boolean): void;
  onAnswerEnd(trailers: Trailers | undefined): void;
  /** No try is under way and none will be; behind the head where one was forwarded. */
  onNoAnswer(reason: ReasonCode, detail: string, resetCode: ResetCode | undefined): void;
}

export class Tries implements AttemptOwner, RequestSink {
  /** So many were made. */
  count = 0;
  /** It failed although it was tried again, or would have been had that not been too much. */
  isSpent = false;
  /** What is done to the request on purpose. */
  fault: FaultInjection | undefined = undefined;
  /** Of the newest try; before the first, none. */
  lastEndpoint: UpstreamEndpoint | undefined = undefined;
  readonly context: ServeContext;
  readonly #service: HttpService;
  readonly #request: TriedRequest;
  readonly #client: ClientStream;
  #destination: HttpDestination | undefined;
  readonly #live = new LiveAttempts();
  #choice: EndpointChoice | undefined;
  /** Until the next try, or the next hedge. */
  #timer: WheelTimer | undefined;
  #hedges = 0;
  /** Made for an observer that wants times. */
  #records: Attempt[] | undefined = undefined;

  constructor(context: ServeContext, service: HttpService, request: TriedRequest, client: ClientStream) {
    this.context = context;
    this.#service = service;
    this.#request = request;
    this.#client = client;
  }

  start(destination: HttpDestination): void {
    this.#destination = destination;
    this.#choice = new EndpointChoice(
      destination.cluster,
      Affinity.of(destination, this.#request.head, this.#client, this.#service),
    );
    const nowUs = this.context.clock.monotonicUs();
    const endpoint = this.#choice?.pick(this.context, nowUs);
    if (endpoint === undefined) {
      this.#request.onNoAnswer("no_endpoint", "the cluster has no usable endpoint", undefined);
      return;
    }
    destination.cluster.retryBudget?.addRequest(nowUs);
    this.#try(destination, endpoint, false);
  }

  get records(): readonly Attempt[] {
    return this.#records ?? noAttempts;
  }

  get head(): HttpRequest {
    return this.#request.head;
  }

  get isUpgrade(): boolean {
    return this.#request.isUpgrade;
  }

  /** Of the answer: `edits`, and what keeps the client with the endpoint. */
  responseEdits({ endpoint }: Attempt, edits: HeadEdits | undefined): HeadEdits | undefined {
    return this.#choice === undefined ? edits : this.#choice.responseEdits(endpoint, edits);
  }

  /** Address and port of the newest, for the log. */
  get place(): string {
    return this.lastEndpoint?.place ?? "";
  }

  /** Whoever waits for an answer has gone, or has one. */
  abandon(): void {
    this.fault?.cancel();
    this.#timer?.cancel();
    this.#live.abandon();
  }

  /** The time that the operator gives is over, and no answer has begun. */
  recordSilence(): void {
    this.#live.recordSilence();
  }

  /** The exchange, or the tunnel that it became, has ended properly. */
  close(): void {
    this.#timer?.cancel();
    this.#live.close();
  }

  // ---- the request's body

  get isOpen(): boolean {
    return this.#live.isOpen;
  }

  writeBody(chunk: Uint8Array): boolean {
    // What is no longer kept cannot reach a second one.
    if (this.#live.hasExtra && !this.#request.body.isReplayable) this.#live.keepOpen();
    return this.#live.writeBody(chunk);
  }

  writeEnd(trailers: Trailers | undefined): void {
    this.#live.writeEnd(trailers);
  }

  // ---- what a try tells

  requestFor(attempt: Attempt): UpstreamRequest {
    return this.#request.upstreamRequest(attempt.endpoint, attempt.number);
  }

  onAttemptOpen(attempt: Attempt): void {
    const { body } = this.#request;
    const { upstream } = attempt;
    if (upstream === undefined) return;
    this.#request.resumeRequest(body.sendKept(upstream));
    if (body.isEnded) upstream.writeEnd(body.trailers);
  }

  onAttemptInterim(_attempt: Attempt, head: HttpResponse): void {
    if (!this.#live.hasExtra || !this.#request.hasResponse) this.#request.onInterim(head);
  }

  onAttemptHead(attempt: Attempt, head: HttpResponse): void {
    const request = this.#request;
    if (!isSuspect(head, request.isGrpc)) recordHead(attempt, head, request.isGrpc);
    else if (this.#isBettered(attempt, head)) return;
    this.#timer?.cancel();
    if (this.#live.hasExtra) this.#live.keep(attempt);
    if (attempt.isHedge) this.context.metrics.hedgesWon.value++;
    request.onAnswer(attempt, head);
  }

  onAttemptBody(_attempt: Attempt, chunk: Uint8Array, isLast: boolean): void {
    this.#request.onAnswerBody(chunk, isLast);
  }

  onAttemptEnd(attempt: Attempt, trailers: Trailers | undefined): void {
    if (this.#request.isGrpc) recordTrailers(attempt, trailers, this.context.clock.monotonicUs());
    this.#request.onAnswerEnd(trailers);
  }

  onAttemptDrain(): void {
    this.#request.resumeRequest(true);
  }

  onAttemptFailed(attempt: Attempt, failure: AttemptFailure): void {
    this.#live.drop(attempt);
    let { reason } = failure;
    if (failure.cause === "connect") {
      this.context.metrics.connectFailed(reason);
      if (this.#service.direction === "inbound") reason = "application_unreachable";
    }
    // Another is alive: its answer is waited for.
    if (!this.#live.isEmpty) return;
    const end = attempt.isAnswered ? undefined : endOfFailure(failure, this.#request.isGrpc);
    const plan = end && this.#plan(attempt.endpoint, { ...end, label: reason });
    if (plan === undefined) {
      this.#timer?.cancel();
      this.#request.onNoAnswer(reason, failure.detail, failure.resetCode);
      return;
    }
    // Idle connections of an endpoint that let one die are likely dead too.
    if (failure.cause === "stale") attempt.endpoint.pool.dropIdle();
    this.#follow(plan, reason, failure.detail);
  }

  // ---- inside

  /** Takes an answer that another try could better. False: it is passed on. */
  #isBettered(attempt: Attempt, head: HttpResponse): boolean {
    const { endpoint } = attempt;
    const { clock } = this.context;
    const isClientError = head.status >= 400 && head.status < 500 && !this.#request.isGrpc;
    if (isClientError && this.#destination?.requests.retry.statuses.has(head.status) !== true) return false;
    const isPeer = this.#service.direction === "outbound" && endpoint.isTunnelled;
    const end = endOfAnswer(head, { isPeer, isGrpc: this.#request.isGrpc, nowMs: clock.nowMs() });
    const { handedBack } = end;
    const isUnreached = handedBack !== undefined && !isOverload(handedBack);
    if (handedBack === undefined) recordHead(attempt, head, this.#request.isGrpc);
    else if (isUnreached) endpoint.recordConnectFailure(clock.monotonicUs());
    else endpoint.recordOverload();
    const isOthers = this.#live.hasExtra && (handedBack !== undefined || this.#isFailing(end));
    const plan = isOthers ? undefined : this.#plan(endpoint, end);
    if (!isOthers && plan === undefined && handedBack === undefined) return false;
    // A connection to a proxy without its application is of no use.
    if (isUnreached) attempt.abandon();
    else attempt.discard(this.#request.body.isEnded);
    this.#live.drop(attempt);
    if (isOthers) return true;
    const reason = handedBack ?? "no_endpoint";
    const detail = handedBack === undefined ? "no endpoint is left" : "the peer proxy handed it back";
    if (plan === undefined) {
      this.#timer?.cancel();
      this.#request.onNoAnswer(reason, detail, undefined);
    } else {
      this.#follow(plan, reason, detail);
    }
    return true;
  }

  /** Were it the only try, it would be repeated if it could. */
  #isFailing(end: EndedTry): boolean {
    const { retry } = this.#destination?.requests ?? inboundRequests;
    const verdict = judgeRetry(retry, end, this.#state(true));
    return verdict.isRepeated || verdict.because !== undefined;
  }

  #state(hasOther: boolean): TryState {
    const request = this.#request;
    return {
      retries: this.count - 1 - this.#hedges,
      method: request.head.method,
      hasOther,
      isInherited: request.isInherited,
      remainingMs: request.remainingMs(this.context.clock.monotonicUs()),
      random: this.context.random(),
    };
  }

  /** Undefined: there is no other try. */
  #plan(from: UpstreamEndpoint, end: EndedTry): Plan | undefined {
    const destination = this.#destination;
    if (destination === undefined || this.#request.hasResponse) return undefined;
    this.#choice?.renew();
    // These two say nothing against the endpoint.
    if (end.cause !== "unprocessed" && end.cause !== "stale") this.#choice?.avoid(from);
    const { retry } = destination.requests;
    const { retryBudget } = destination.cluster;
    const verdict = judgeRetry(retry, end, this.#state(this.#choice?.hasOther === true));
    if (!verdict.isRepeated) return this.#withhold(verdict.because);
    if (!this.#request.body.isReplayable) return this.#withhold("body");
    const nowUs = this.context.clock.monotonicUs();
    const endpoint = verdict.delayMs > 0 ? undefined : this.#choice?.pick(this.context, nowUs);
    // Where all are known to be in trouble, asking on is no longer free.
    const isFresh = endpoint?.isFit(nowUs) === true;
    const isFree = verdict.isFree && isFresh && !(end.handedBack && isOverload(end.handedBack));
    if (!isFree && retryBudget?.takeRetry(nowUs) === false) return this.#withhold("budget");
    this.context.metrics.retried(end.label);
    return { destination, delayMs: verdict.delayMs, endpoint };
  }

  #withhold(cause: Withheld | "body" | "budget" | undefined): undefined {
    if (cause === undefined) return;
    this.context.metrics.withheld(cause);
    if (cause === "body") return;
    this.isSpent = true;
    if (this.#service.direction === "outbound") this.context.noteSpentRetries();
  }

  /** `reason`: what is said where no endpoint is left. */
  #follow({ destination, delayMs, endpoint }: Plan, reason: ReasonCode, detail: string): void {
    this.#timer?.cancel();
    if (endpoint !== undefined) {
      this.#try(destination, endpoint, false);
      return;
    }
    this.#timer = this.context.wheel.schedule(delayMs, () => {
      this.#choice?.renew();
      const next = this.#choice?.pick(this.context, this.context.clock.monotonicUs());
      if (next === undefined) this.#request.onNoAnswer(reason, detail, undefined);
      else this.#try(destination, next, false);
    });
  }

  #try(destination: HttpDestination, endpoint: UpstreamEndpoint, isHedge: boolean): void {
    const { cluster, requests } = destination;
    const attempt = new Attempt(this, endpoint, this.count, isHedge);
    this.count++;
    if (this.context.observers.wantsTimes) (this.#records ??= []).push(attempt);
    this.lastEndpoint = endpoint;
    this.context.metrics.tries.value++;
    this.#live.add(attempt);
    const { hedge } = requests;
    if (hedge !== undefined && this.#hedges < hedge.maxExtra) {
      this.#timer = this.context.wheel.schedule(hedge.delayMs, () => this.#hedge(destination));
    }
    const client: HttpVersion = this.#request.head instanceof RequestHead ? 1 : 2;
    attempt.start(cluster.versionFor(client, endpoint, this.#request.isGrpc), requests.tryTimeoutMs);
  }

  /** None has answered in time: another endpoint is asked too. */
  #hedge(destination: HttpDestination): void {
    const { head, body, isUpgrade, hasResponse } = this.#request;
    const isSafe = isSafeToRepeat(destination.requests.retry, head.method);
    if (hasResponse || isUpgrade || !isSafe || !body.isReplayable) return;
    this.#choice?.renew();
    if (this.lastEndpoint !== undefined) this.#choice?.avoid(this.lastEndpoint);
    if (this.#choice?.hasOther !== true) return;
    const nowUs = this.context.clock.monotonicUs();
    if (destination.cluster.retryBudget?.takeRetry(nowUs) === false) {
      this.context.metrics.withheld("budget");
      return;
    }
    const endpoint = this.#choice?.pick(this.context, nowUs);
    if (endpoint === undefined) return;
    this.#hedges++;
    this.context.metrics.hedges.value++;
    this.#try(destination, endpoint, true);
  }
}

const noAttempts: readonly Attempt[] = [];

interface Plan {
  readonly destination: HttpDestination;
  readonly delayMs: number;
  /** Chosen already, where there is no wait. */
  readonly endpoint: UpstreamEndpoint | undefined;
}
