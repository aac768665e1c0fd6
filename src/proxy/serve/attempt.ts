/**
 * One try of a request: an endpoint, a place on one of its connections, and what comes back there. What the endpoint is
 * known by (latency, failures, requests in flight) is told to it here and nowhere else.
 *
 *   start -> waiting for a connection -> sending --head--> answering --end--> over
 *              '----------- failed | abandoned ------------'--------------------^
 */
import type { ResetCode } from "../../grpc/index.ts";
import type { Clock, ReasonCode } from "../../kernel/index.ts";
import type { ConnectFailure } from "../../net/index.ts";
import type { HttpResponse, HttpVersion, Trailers } from "../http/index.ts";
import type {
  PoolWaiter,
  UpstreamEndpoint,
  UpstreamHandler,
  UpstreamRequest,
  UpstreamStream,
} from "../upstream/index.ts";

export interface AttemptFailure {
  /**
   * - `pool`: the endpoint's pool refused; nothing was sent
   * - `connect`: no connection could be opened; nothing was sent
   * - `unprocessed`: the endpoint says that it did not look at the request
   * - `stale`: a connection that had been idle was lost; most likely it was closed before the request came
   * - `reset`: the connection or stream was lost, or what came back is no HTTP
   * - `unspeakable`: the request cannot be said in the endpoint's version of HTTP
   */
  readonly cause: "pool" | "connect" | "unprocessed" | "stale" | "reset" | "unspeakable";
  readonly reason: ReasonCode;
  readonly detail: string;
  /** The endpoint reset the stream alone. */
  readonly resetCode?: ResetCode | undefined;
}

export interface AttemptOwner {
  /** The request asks to switch protocols. */
  readonly isUpgrade: boolean;
  readonly clock: Clock;
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

export class Attempt implements UpstreamHandler, PoolWaiter {
  readonly endpoint: UpstreamEndpoint;
  /** Undefined: still waiting for a connection, or over. */
  upstream: UpstreamStream | undefined = undefined;
  /** The final head has come. */
  isAnswered = false;
  readonly #owner: AttemptOwner;
  #sentUs = 0;
  #isOver = false;

  constructor(owner: AttemptOwner, endpoint: UpstreamEndpoint) {
    this.#owner = owner;
    this.endpoint = endpoint;
    endpoint.inFlight++;
  }

  get needsSettings(): boolean {
    return this.#owner.isUpgrade;
  }

  /** Anything may have happened when it returns. */
  start(version: HttpVersion): void {
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

  /** Nothing more is asked of the endpoint: the exchange or the tunnel on it has ended. Idempotent. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.upstream = undefined;
    this.endpoint.inFlight--;
  }

  // ---- pool

  onUpstream(upstream: UpstreamStream): void {
    if (!upstream.isReused) this.endpoint.recordConnected();
    this.upstream = upstream;
    this.#sentUs = this.#owner.clock.monotonicUs();
    const obstacle = upstream.begin(this, this.#owner.requestFor(this));
    if (obstacle !== undefined) {
      this.#fail({ cause: "unspeakable", reason: "malformed_request", detail: obstacle });
    } else if (!this.#isOver) {
      this.#owner.onAttemptOpen(this);
    }
  }

  onUpstreamFailed(failure: ConnectFailure): void {
    this.endpoint.recordConnectFailure(this.#owner.clock.monotonicUs());
    this.#fail({ cause: "connect", reason: failure.reason, detail: failure.detail });
  }

  // ---- upstream

  onUpstreamInterim(head: HttpResponse): void {
    this.#owner.onAttemptInterim(this, head);
  }

  onUpstreamHead(head: HttpResponse): void {
    const nowUs = this.#owner.clock.monotonicUs();
    this.endpoint.latency.observe(nowUs - this.#sentUs, nowUs);
    this.isAnswered = true;
    this.#owner.onAttemptHead(this, head);
  }

  onUpstreamBody(chunk: Uint8Array, isLast = false): void {
    this.#owner.onAttemptBody(this, chunk, isLast);
  }

  onUpstreamEnd(trailers: Trailers | undefined): void {
    this.#owner.onAttemptEnd(this, trailers);
  }

  onUpstreamDrain(): void {
    this.#owner.onAttemptDrain(this);
  }

  onUpstreamLost(reason: ReasonCode, detail: string, isUnprocessed: boolean, resetCode?: ResetCode): void {
    const isStale = reason === "upstream_reset" && this.upstream?.isReused === true;
    const cause = isUnprocessed ? "unprocessed" : isStale ? "stale" : "reset";
    this.#fail({ cause, reason, detail, resetCode });
  }

  #fail(failure: AttemptFailure): void {
    this.close();
    this.#owner.onAttemptFailed(this, failure);
  }
}
