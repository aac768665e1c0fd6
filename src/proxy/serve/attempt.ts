/**
 * One try of a request: an endpoint, a place on one of its connections, and what comes back there. What the endpoint is
 * known by (latency, failures, requests in flight) is told to it here and nowhere else.
 *
 *   start -> waiting for a connection -> sending --head--> answering --end--> over
 *              '-- failed | timed out | abandoned ---------'-- discarded -------^
 */
import type { ResetCode } from "../../grpc/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { ConnectFailure, WheelTimer } from "../../net/index.ts";
import type { HttpRequest, HttpResponse, HttpVersion, Trailers } from "../http/index.ts";
import type {
  PoolWaiter,
  UpstreamEndpoint,
  UpstreamHandler,
  UpstreamRequest,
  UpstreamStream,
} from "../upstream/index.ts";
import type { TryRecord } from "../observation/index.ts";
import type { ServeContext } from "./context.ts";
import type { FaultInjection } from "./fault-injection.ts";
import { fixedLimits } from "./limits.ts";

/** An unwanted answer that takes longer costs its connection. */
const discardMs = 1_000;

export interface AttemptFailure {
  /**
   * - `pool`: the endpoint's pool refused; nothing was sent
   * - `connect`: no connection could be opened; nothing was sent
   * - `unprocessed`: the endpoint says that it did not look at the request
   * - `stale`: a connection that had been idle was lost; most likely it was closed before the request came
   * - `reset`: the connection or stream was lost
   * - `try_timeout`: the try took too long
   * - `malformed`: what came back is no HTTP, or the request cannot be said in the endpoint's version of HTTP
   */
  readonly cause: "pool" | "connect" | "unprocessed" | "stale" | "reset" | "try_timeout" | "malformed";
  readonly reason: ReasonCode;
  readonly detail: string;
  /** The endpoint reset the stream alone. */
  readonly resetCode?: ResetCode | undefined;
}

export interface AttemptOwner {
  /** What is done to the request on purpose: its answer may have to come slowly. */
  readonly fault: FaultInjection | undefined;
  /** The request asks to switch protocols. */
  readonly isUpgrade: boolean;
  readonly head: HttpRequest;
  readonly context: ServeContext;
  /** What is sent in this try. */
  requestFor(attempt: Attempt): UpstreamRequest;
  /** The head has been sent: the body may follow. */
  onAttemptOpen(attempt: Attempt): void;
  onAttemptInterim(attempt: Attempt, head: HttpResponse): void;
  /** The final head. The owner forwards it, or abandons this try. */
  onAttemptHead(attempt: Attempt, head: HttpResponse): void;
  onAttemptBody(attempt: Attempt, chunk: Uint8Array, isLast: boolean): void;
  onAttemptEnd(attempt: Attempt, trailers: Trailers | undefined): void;
  /** After the upstream's `writeBody` returned false. */
  onAttemptDrain(attempt: Attempt): void;
  /** It is over: before its head, or behind it where `isAnswered`. */
  onAttemptFailed(attempt: Attempt, failure: AttemptFailure): void;
}

export class Attempt implements UpstreamHandler, PoolWaiter, TryRecord {
  readonly endpoint: UpstreamEndpoint;
  /** Undefined: still waiting for a connection, or over. */
  upstream: UpstreamStream | undefined = undefined;
  /** The final head has come. */
  isAnswered = false;
  /** Clock time of the final head, microseconds. */
  answeredUs = 0;
  /** Of the request's tries, from 0. */
  readonly number: number;
  /** Made while another was alive. */
  readonly isHedge: boolean;
  /** Where an observer wants times. */
  startUs = 0;
  sentUs = 0;
  endUs = 0;
  /** Of the answer; 0: none. */
  status = 0;
  reason: ReasonCode | undefined = undefined;
  readonly #owner: AttemptOwner;
  #isOver = false;
  #timer: WheelTimer | undefined = undefined;
  /** Takes the rest of an answer that nobody wants, and how much of it has come. */
  #discarding: UpstreamStream | undefined = undefined;
  #discarded = 0;

  constructor(owner: AttemptOwner, endpoint: UpstreamEndpoint, number: number, isHedge: boolean) {
    this.number = number;
    this.isHedge = isHedge;
    this.#owner = owner;
    this.endpoint = endpoint;
    endpoint.inFlight++;
  }

  get head(): HttpRequest {
    return this.#owner.head;
  }

  get place(): string {
    return this.endpoint.place;
  }

  get workload(): string {
    return this.endpoint.workload;
  }

  get isEjected(): boolean {
    return this.endpoint.ejectedUntilUs > this.endUs;
  }

  get needsSettings(): boolean {
    return this.#owner.isUpgrade;
  }

  /** `timeoutMs` 0: none. Anything may have happened when it returns. */
  start(version: HttpVersion, timeoutMs: number): void {
    const { observers, clock } = this.#owner.context;
    if (observers.wantsTimes) this.startUs = clock.monotonicUs();
    if (timeoutMs > 0) {
      this.#timer = this.#owner.context.wheel.schedule(timeoutMs, () => this.#onTimeout(timeoutMs));
    }
    const acquired = this.endpoint.pool.acquire(version, this);
    if (acquired === undefined) return;
    if (typeof acquired === "string") {
      this.#fail({ cause: "pool", reason: acquired, detail: "the endpoint's connection pool refused" });
    } else {
      this.onUpstream(acquired);
    }
  }

  /** Withdraws from whatever is waited for. What was sent is reset, so that the work really ends. */
  abandon(): void {
    if (this.#isOver) return;
    if (this.upstream === undefined) this.endpoint.pool.cancel(this);
    else this.upstream.abandon();
    this.close();
  }

  /**
   * The answer is not wanted. A little rest is read and dropped, so that the connection can be used again: resets and new
   * handshakes for each failing answer would cost both sides more.
   */
  discard(isRequestComplete: boolean): void {
    const { upstream } = this;
    if (this.#isOver || upstream === undefined || !isRequestComplete) {
      this.abandon();
      return;
    }
    this.close();
    this.#discarding = upstream;
    this.#timer = this.#owner.context.wheel.schedule(discardMs, () => this.#stopDiscarding());
  }

  /** Nothing more is asked of the endpoint: the exchange or the tunnel on it has ended. Idempotent. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { observers, clock } = this.#owner.context;
    if (observers.wantsTimes) this.endUs = clock.monotonicUs();
    this.#timer?.cancel();
    this.upstream = undefined;
    this.endpoint.inFlight--;
  }

  /** The operator's patience has come to its end. */
  recordSilence(): void {
    if (this.upstream !== undefined && !this.isAnswered) this.#recordLocalFailure();
  }

  // ---- pool

  onUpstream(given: UpstreamStream): void {
    const upstream = this.#owner.fault?.paced(given) ?? given;
    if (!upstream.isReused) this.endpoint.recordConnected();
    this.upstream = upstream;
    this.sentUs = this.#owner.context.clock.monotonicUs();
    const obstacle = upstream.begin(this, this.#owner.requestFor(this));
    if (obstacle !== undefined) {
      this.#fail({ cause: "malformed", reason: "malformed_request", detail: obstacle });
    } else if (!this.#isOver) {
      this.#owner.onAttemptOpen(this);
    }
  }

  onUpstreamFailed(failure: ConnectFailure): void {
    this.endpoint.recordConnectFailure(this.#owner.context.clock.monotonicUs());
    this.#fail({ cause: "connect", reason: failure.reason, detail: failure.detail });
  }

  // ---- upstream

  onUpstreamInterim(head: HttpResponse): void {
    this.#owner.onAttemptInterim(this, head);
  }

  onUpstreamHead(head: HttpResponse): void {
    const nowUs = this.#owner.context.clock.monotonicUs();
    this.endpoint.recordLatency(nowUs - this.sentUs, nowUs);
    this.answeredUs = nowUs;
    this.isAnswered = true;
    this.status = head.status;
    this.#owner.onAttemptHead(this, head);
  }

  onUpstreamBody(chunk: Uint8Array, isLast = false): void {
    if (this.#discarding !== undefined) {
      this.#discarded += chunk.length;
      if (this.#discarded > fixedLimits.maxDiscardedBytes) this.#stopDiscarding();
      return;
    }
    this.#owner.onAttemptBody(this, chunk, isLast);
  }

  onUpstreamEnd(trailers: Trailers | undefined): void {
    if (this.#isDiscarded()) return;
    this.#owner.onAttemptEnd(this, trailers);
  }

  onUpstreamDrain(): void {
    this.#owner.onAttemptDrain(this);
  }

  onUpstreamLost(reason: ReasonCode, detail: string, isUnprocessed: boolean, resetCode?: ResetCode): void {
    if (this.#isDiscarded()) return;
    const isLost = reason === "upstream_reset";
    const lostCause = this.upstream?.isReused === true ? "stale" : "reset";
    const cause = isUnprocessed ? "unprocessed" : isLost ? lostCause : "malformed";
    if (cause === "reset" || cause === "malformed") this.#recordLocalFailure();
    this.#fail({ cause, reason, detail, resetCode });
  }

  #onTimeout(timeoutMs: number): void {
    if (this.#isOver) return;
    this.recordSilence();
    this.abandon();
    this.reason = "try_timeout";
    const detail = `no complete response within the try's ${timeoutMs} ms`;
    this.#owner.onAttemptFailed(this, { cause: "try_timeout", reason: "try_timeout", detail });
  }

  #stopDiscarding(): void {
    this.#discarding?.abandon();
    this.#isDiscarded();
  }

  /** It was, and now nothing is left of it. */
  #isDiscarded(): boolean {
    if (this.#discarding === undefined) return false;
    this.#discarding = undefined;
    this.#timer?.cancel();
    return true;
  }

  #recordLocalFailure(): void {
    this.endpoint.recordLocalFailure(this.#owner.context.clock.monotonicUs());
  }

  #fail(failure: AttemptFailure): void {
    this.reason = failure.reason;
    this.close();
    this.#owner.onAttemptFailed(this, failure);
  }
}
