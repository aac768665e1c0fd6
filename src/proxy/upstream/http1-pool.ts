/**
 * The HTTP/1.1 connections to one endpoint. Last used first, so that surplus ones grow old and are closed. When all are
 * busy, requests wait in a bounded queue; beyond it they are refused at once.
 */
import type { ReasonCode } from "../../kernel/index.ts";
import { type ConnectFailure, Connection } from "../../net/index.ts";
import { Http1Upstream, type Http1UpstreamOwner } from "./http1-upstream.ts";
import type { BudgetMember } from "./connection-budget.ts";
import {
  endOfLifeMs,
  type PoolOptions,
  type PoolWaiter,
  rotatedPerSweep,
  type UpstreamPool,
} from "./http-upstream.ts";

interface ConnectAttempt {
  pending: { cancel(): void } | undefined;
}

export class Http1Pool implements UpstreamPool, Http1UpstreamOwner, BudgetMember {
  readonly #options: PoolOptions;
  readonly #idle: Http1Upstream[] = [];
  readonly #connections = new Set<Http1Upstream>();
  readonly #connecting = new Set<ConnectAttempt>();
  #waiters: PoolWaiter[] = [];
  #rotationBudget = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    options.budget?.join(this);
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  get idleConnections(): number {
    return this.#idle.length;
  }

  get pendingRequests(): number {
    return this.#waiters.length;
  }

  /** A connection at once, undefined where the waiter will be called later, or why neither is possible. */
  acquire(waiter: PoolWaiter): Http1Upstream | ReasonCode | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#isClosed) return "no_endpoint";
    // Whoever waits for a connection that is being opened does not queue.
    const queued = this.#waiters.length - this.#connecting.size;
    const mayOpen = this.#hasRoom && this.#options.budget?.hasRoom !== false;
    if (!mayOpen && queued >= this.#options.maxPending) return "pool_exhausted";
    this.#waiters.push(waiter);
    this.#connectForWaiters();
    return undefined;
  }

  /** The waiter is not called any more. A connect under way goes on: somebody will want it. */
  cancel(waiter: PoolWaiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  /** One idle connection turned out to be dead: the others are likely from the same dead process. */
  dropIdle(): void {
    for (const upstream of this.#idle.splice(0)) upstream.close();
  }

  sweep(nowMs: number): void {
    this.#rotationBudget = rotatedPerSweep;
    const current = this.#options.currentIdentity();
    // From the oldest: the stack is filled and emptied at its other end.
    for (let i = 0; i < this.#idle.length; ) {
      const upstream = this.#idle[i];
      if (upstream === undefined) break;
      const isIdleTooLong = nowMs - upstream.idleSinceMs >= this.#options.idleTimeoutMs;
      const isExpired = isIdleTooLong || nowMs >= upstream.endOfLifeMs;
      const isRotated = upstream.identity !== current && this.#rotationBudget > 0;
      if (isExpired || isRotated) {
        if (!isExpired) this.#rotationBudget--;
        upstream.close(); // takes itself out of #idle
      } else {
        i++;
      }
    }
  }

  /** Idle connections go now, busy ones when their exchange ends, waiting requests look elsewhere. */
  close(): void {
    this.#isClosed = true;
    this.dropIdle();
    // Whoever waits already gets its turn: the endpoint leaves for new requests, not for those that are on their way to it.
    if (this.#waiters.length > 0) return;
    for (const attempt of this.#connecting) {
      attempt.pending?.cancel();
      this.#options.budget?.release();
    }
    this.#connecting.clear();
    this.#options.budget?.leave(this);
  }

  get wantsConnection(): boolean {
    return this.#waiters.length > this.#connecting.size && this.#hasRoom;
  }

  onRoom(): void {
    this.#connectForWaiters();
  }

  dropOldestIdle(): boolean {
    const oldest = this.#idle[0];
    oldest?.close(); // takes itself out of #idle
    return oldest !== undefined;
  }

  onReusable(upstream: Http1Upstream): void {
    if ((this.#isClosed && this.#waiters.length === 0) || this.#isWorn(upstream)) {
      upstream.close();
    } else if (this.#rotationBudget > 0 && upstream.identity !== this.#options.currentIdentity()) {
      // Under steady load a connection is never idle when the sweep looks.
      this.#rotationBudget--;
      upstream.close();
    } else {
      this.#handOut(upstream);
    }
  }

  onGone(upstream: Http1Upstream): void {
    const wasCounted = this.#connections.delete(upstream);
    const index = this.#idle.indexOf(upstream);
    if (index >= 0) this.#idle.splice(index, 1);
    const { budget } = this.#options;
    if (wasCounted) budget?.release();
    if (this.#isClosed && this.#connections.size === 0 && this.#waiters.length === 0) budget?.leave(this);
    this.#connectForWaiters();
  }

  get #hasRoom(): boolean {
    return this.#connections.size + this.#connecting.size < this.#options.maxConnections;
  }

  #connectForWaiters(): void {
    const { budget } = this.#options;
    while (this.#connecting.size < this.#waiters.length && this.#hasRoom) {
      if (budget !== undefined && !budget.take(this)) return;
      this.#connect();
    }
  }

  /** It has carried as many requests, or stood for as long, as it may. */
  #isWorn(upstream: Http1Upstream): boolean {
    const { maxRequestsPerConnection = 0, nowMs } = this.#options;
    if (maxRequestsPerConnection > 0 && upstream.served >= maxRequestsPerConnection) return true;
    return upstream.endOfLifeMs !== Infinity && nowMs() >= upstream.endOfLifeMs;
  }

  #connect(): void {
    const identity = this.#options.currentIdentity();
    const attempt: ConnectAttempt = { pending: undefined };
    this.#connecting.add(attempt);
    // Over loopback a connect can be done before `dial` returns.
    attempt.pending = this.#options.dial((result) => {
      const isWanted = this.#connecting.delete(attempt);
      if (!isWanted || (this.#isClosed && this.#waiters.length === 0)) {
        if (isWanted) this.#options.budget?.release();
        if (result instanceof Connection) result.close();
        return;
      }
      if (result instanceof Connection) this.#onConnected(result, identity);
      else this.#onFailed(result);
    });
  }

  #onConnected(connection: Connection, identity: object | undefined): void {
    const upstream = new Http1Upstream(connection, this, { identity, codecs: this.#options.codecs });
    upstream.endOfLifeMs = endOfLifeMs(this.#options);
    this.#connections.add(upstream);
    this.#handOut(upstream);
  }

  #handOut(upstream: Http1Upstream): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.onUpstream(upstream);
      return;
    }
    if (this.#options.budget?.isWanted === true) {
      upstream.close();
      return;
    }
    upstream.idleSinceMs = this.#options.nowMs();
    this.#idle.push(upstream);
  }

  #onFailed(failure: ConnectFailure): void {
    this.#options.budget?.release();
    if (this.#connections.size === 0 && this.#connecting.size === 0) {
      // Nothing is left that could serve them.
      this.#failWaiters(failure);
    } else {
      this.#waiters.shift()?.onUpstreamFailed(failure);
      this.#connectForWaiters();
    }
  }

  #failWaiters(failure: ConnectFailure): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.onUpstreamFailed(failure);
  }
}
