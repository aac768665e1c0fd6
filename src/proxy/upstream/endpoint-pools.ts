/** All HTTP connections to one endpoint, each version's pool made when it is first needed. */
import type { Clock, ReasonCode } from "../../kernel/index.ts";
import type { ConnectFailure, Connection, PendingConnect } from "../../net/index.ts";
import type { HttpVersion } from "../http/index.ts";
import { Http1Pool } from "./http1-pool.ts";
import { Http2Pool } from "./http2-pool.ts";
import type { PoolOptions, PoolWaiter, UpstreamPool, UpstreamStream } from "./http-upstream.ts";

export interface EndpointPoolsOptions extends Omit<PoolOptions, "dial" | "nowMs"> {
  readonly dial: (
    version: HttpVersion,
    done: (result: Connection | ConnectFailure) => void,
  ) => PendingConnect;
  readonly clock: Clock;
  /** Why the endpoint takes no request of this one's kind now. Absent: it always does. */
  readonly refusal?: (waiter: PoolWaiter) => ReasonCode | undefined;
}

export class EndpointPools {
  readonly #options: EndpointPoolsOptions;
  #http1: Http1Pool | undefined;
  #http2: Http2Pool | undefined;
  #isClosed = false;

  constructor(options: EndpointPoolsOptions) {
    this.#options = options;
  }

  get openConnections(): number {
    return (this.#http1?.openConnections ?? 0) + (this.#http2?.openConnections ?? 0);
  }

  get idleConnections(): number {
    return (this.#http1?.idleConnections ?? 0) + (this.#http2?.idleConnections ?? 0);
  }

  get pendingRequests(): number {
    return (this.#http1?.pendingRequests ?? 0) + (this.#http2?.pendingRequests ?? 0);
  }

  acquire(version: HttpVersion, waiter: PoolWaiter): UpstreamStream | ReasonCode | undefined {
    if (this.#isClosed) return "no_endpoint";
    return this.#options.refusal?.(waiter) ?? this.#pool(version).acquire(waiter);
  }

  cancel(waiter: PoolWaiter): void {
    this.#http1?.cancel(waiter);
    this.#http2?.cancel(waiter);
  }

  dropIdle(): void {
    this.#http1?.dropIdle();
    this.#http2?.dropIdle();
  }

  sweep(nowMs: number): void {
    this.#http1?.sweep(nowMs);
    this.#http2?.sweep(nowMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#http1?.close();
    this.#http2?.close();
  }

  #pool(version: HttpVersion): UpstreamPool {
    if (version === 1) return (this.#http1 ??= new Http1Pool(this.#poolOptions(1)));
    return (this.#http2 ??= new Http2Pool(this.#poolOptions(2), this.#options.clock));
  }

  #poolOptions(version: HttpVersion): PoolOptions {
    const options = this.#options;
    return {
      ...options,
      dial: (done) => options.dial(version, done),
      nowMs: () => options.clock.nowMs(),
    };
  }
}
