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

/**
 * So many connections may be opened at once, and as many as stand already: a peer that has just started, or has too little of
 * its processor, shakes hands with some after the other, where with all at once none would be done in time. Doubling from
 * there a pool has a thousand in seven steps.
 */
const minConnecting = 16;

interface ConnectAttempt {
  pending: { cancel(): void } | undefined;
  /** So many had come to wait when it began. */
  readonly arrivals: number;
}

interface Waiting {
  readonly waiter: PoolWaiter;
  /** The how-manieth to wait. */
  readonly arrival: number;
}

export class Http1Pool implements UpstreamPool, Http1UpstreamOwner, BudgetMember {
  readonly #options: PoolOptions;
  readonly #idle: Http1Upstream[] = [];
  readonly #connections = new Set<Http1Upstream>();
  readonly #connecting = new Set<ConnectAttempt>();
  readonly #waiters: Waiting[] = [];
  #arrivals = 0;
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
    // Whoever waits for a connection that is being opened, or will be, does not queue.
    const { budget, maxConnections, maxPending } = this.#options;
    const coming =
      budget?.hasRoom === false ? this.#connecting.size : maxConnections - this.#connections.size;
    if (this.#waiters.length >= coming + maxPending) return "pool_exhausted";
    this.#waiters.push({ waiter, arrival: ++this.#arrivals });
    this.#connectForWaiters();
    return undefined;
  }

  /** The waiter is not called any more. A connect under way goes on: somebody will want it. */
  cancel(waiter: PoolWaiter): void {
    const index = this.#waiters.findIndex((each) => each.waiter === waiter);
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
    return this.#waiters.length > this.#connecting.size && this.#mayConnect;
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

  get #mayConnect(): boolean {
    const [open, connecting] = [this.#connections.size, this.#connecting.size];
    return open + connecting < this.#options.maxConnections && connecting < Math.max(minConnecting, open);
  }

  #connectForWaiters(): void {
    const { budget } = this.#options;
    while (this.#connecting.size < this.#waiters.length && this.#mayConnect) {
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
    const attempt: ConnectAttempt = { pending: undefined, arrivals: this.#arrivals };
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
      else this.#onFailed(result, attempt);
    });
  }

  #onConnected(connection: Connection, identity: object | undefined): void {
    const upstream = new Http1Upstream(connection, this, { identity, codecs: this.#options.codecs });
    upstream.endOfLifeMs = endOfLifeMs(this.#options);
    this.#connections.add(upstream);
    this.#handOut(upstream);
    this.#connectForWaiters();
  }

  #handOut(upstream: Http1Upstream): void {
    const waiting = this.#waiters.shift();
    if (waiting !== undefined) {
      waiting.waiter.onUpstream(upstream);
      return;
    }
    if (this.#options.budget?.isWanted === true) {
      upstream.close();
      return;
    }
    upstream.idleSinceMs = this.#options.nowMs();
    this.#idle.push(upstream);
  }

  #onFailed(failure: ConnectFailure, { arrivals }: ConnectAttempt): void {
    this.#options.budget?.release();
    if (this.#connections.size > 0) {
      // Whoever came since has others to wait for: an attempt of its own, or a connection that is given back.
      const oldest = this.#waiters[0]?.arrival ?? Infinity;
      if (oldest <= arrivals) this.#waiters.shift()?.waiter.onUpstreamFailed(failure);
      this.#connectForWaiters();
      return;
    }
    // Where no connection stands, each attempt was for its share of those who wait, so that nobody waits for another row of them.
    const share = Math.ceil(this.#waiters.length / (this.#connecting.size + 1));
    for (const { waiter } of this.#waiters.splice(0, share)) waiter.onUpstreamFailed(failure);
  }
}
