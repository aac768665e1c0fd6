/**
 * The HTTP/2 connections to one endpoint: as few as the peer's limit of streams allows. When that is reached another is
 * opened; when all are full and no more may be opened, requests wait in a bounded queue.
 */
import type { Clock, ReasonCode } from "../../kernel/index.ts";
import { type ConnectFailure, Connection } from "../../net/index.ts";
import { Http2Connection, type Http2ConnectionOwner } from "./http2-connection.ts";
import { Http2Upstream } from "./http2-upstream.ts";
import type { BudgetMember } from "./connection-budget.ts";
import {
  endOfLifeMs,
  type PoolOptions,
  type PoolWaiter,
  rotatedPerSweep,
  type UpstreamPool,
  type UpstreamStream,
} from "./http-upstream.ts";

export class Http2Pool implements UpstreamPool, Http2ConnectionOwner, BudgetMember {
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  /** Those that take streams, the oldest first: it is filled first, so that surplus ones run dry. */
  readonly #connections: Http2Connection[] = [];
  readonly #draining = new Set<Http2Connection>();
  #pending: { cancel(): void } | undefined;
  #isConnecting = false;
  #waiters: PoolWaiter[] = [];
  #isClosed = false;

  constructor(options: PoolOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    options.budget?.join(this);
  }

  get openConnections(): number {
    return this.#connections.length + this.#draining.size;
  }

  get idleConnections(): number {
    return this.#connections.reduce((sum, each) => sum + (each.session.streamCount === 0 ? 1 : 0), 0);
  }

  get pendingRequests(): number {
    return this.#waiters.length;
  }

  acquire(waiter: PoolWaiter): UpstreamStream | ReasonCode | undefined {
    if (this.#isClosed) return "no_endpoint";
    const free = this.#free(waiter);
    if (free !== undefined) return new Http2Upstream(free);
    // Those that wait for a connection which is being opened count too: one connection takes at most its limit of them.
    if (this.#waiters.length >= this.#options.maxPending) return "pool_exhausted";
    this.#waiters.push(waiter);
    this.#connect();
    return undefined;
  }

  cancel(waiter: PoolWaiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  dropIdle(): void {
    for (const connection of [...this.#connections]) {
      if (connection.session.streamCount === 0) connection.session.close();
    }
  }

  sweep(nowMs: number): void {
    const current = this.#options.currentIdentity();
    let rotationBudget = rotatedPerSweep;
    for (const connection of [...this.#connections]) {
      if (connection.identity !== current && rotationBudget > 0) {
        rotationBudget--;
        connection.session.drain();
      } else if (nowMs >= connection.endOfLifeMs) {
        connection.session.drain();
      } else if (connection.session.streamCount > 0) {
        connection.idleSinceMs = 0;
      } else if (connection.idleSinceMs === 0) {
        connection.idleSinceMs = nowMs;
      } else if (nowMs - connection.idleSinceMs >= this.#options.idleTimeoutMs) {
        connection.session.drain();
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    // Whoever waits already gets its turn: the endpoint leaves for new requests, not for those that are on their way to it.
    if (this.#waiters.length === 0) this.#leave();
  }

  get wantsConnection(): boolean {
    return this.#waiters.length > 0 && !this.#isConnecting;
  }

  onRoom(): void {
    this.#connect();
  }

  dropOldestIdle(): boolean {
    const idle = this.#connections.find((each) => each.session.streamCount === 0);
    idle?.session.drain();
    return idle !== undefined;
  }

  onCapacity(connection: Http2Connection): void {
    if (this.#waiters.length > 0) this.#serveWaiters();
    else if (connection.session.streamCount === 0 && this.#options.budget?.isWanted === true) {
      connection.session.drain();
    }
  }

  onDraining(connection: Http2Connection): void {
    this.#remove(connection);
    if (connection.session.isClosed) return;
    this.#draining.add(connection);
    this.#connect();
  }

  onGone(connection: Http2Connection): void {
    this.#remove(connection);
    this.#draining.delete(connection);
    this.#options.budget?.release();
    this.#connect();
  }

  #remove(connection: Http2Connection): void {
    const index = this.#connections.indexOf(connection);
    if (index >= 0) this.#connections.splice(index, 1);
  }

  #free(waiter: PoolWaiter): Http2Connection | undefined {
    for (const connection of this.#connections) {
      const { session } = connection;
      if (session.canRequest && (session.hasPeerSettings || !waiter.needsSettings)) return connection;
    }
    return undefined;
  }

  /** One at a time: what it can take is known when it stands. */
  #connect(): void {
    if (this.#isConnecting || this.#waiters.length === 0) return;
    if (this.#connections.length >= this.#options.maxConnections) return;
    // A fresh one may be what they wait for.
    if (this.#connections.some((each) => !each.session.hasPeerSettings && each.session.canRequest)) return;
    if (this.#options.budget !== undefined && !this.#options.budget.take(this)) return;
    this.#isConnecting = true;
    const identity = this.#options.currentIdentity();
    // Over loopback a connect can be done before `dial` returns.
    const pending = this.#options.dial((result) => {
      this.#isConnecting = false;
      this.#pending = undefined;
      if (result instanceof Connection) this.#onConnected(result, identity);
      else this.#onFailed(result);
    });
    this.#pending = this.#isConnecting ? pending : undefined;
  }

  #onConnected(connection: Connection, identity: object | undefined): void {
    if (this.#isClosed && this.#waiters.length === 0) {
      connection.close();
      this.#options.budget?.release();
      return;
    }
    const { codecs, maxRequestsPerConnection: maxRequests = 0 } = this.#options;
    const opened = new Http2Connection(connection, this, {
      identity,
      clock: this.#clock,
      codecs,
      maxRequests,
    });
    opened.endOfLifeMs = endOfLifeMs(this.#options);
    this.#connections.push(opened);
    this.#serveWaiters();
  }

  #serveWaiters(): void {
    for (const waiter of [...this.#waiters]) {
      const free = this.#free(waiter);
      if (free === undefined) continue;
      this.cancel(waiter);
      waiter.onUpstream(new Http2Upstream(free));
    }
    if (this.#isClosed && this.#waiters.length === 0) this.#leave();
    else this.#connect();
  }

  #leave(): void {
    for (const connection of [...this.#connections]) connection.session.drain();
    this.#pending?.cancel();
    if (this.#isConnecting) this.#options.budget?.release();
    this.#isConnecting = false;
    this.#options.budget?.leave(this);
  }

  #onFailed(failure: ConnectFailure): void {
    this.#options.budget?.release();
    // Where others stand, the waiters get their turn on those.
    if (this.#connections.length === 0 && this.#draining.size === 0) this.#failWaiters(failure);
    else this.#waiters.shift()?.onUpstreamFailed(failure);
  }

  #failWaiters(failure: ConnectFailure): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.onUpstreamFailed(failure);
  }
}
