/** Connections to one endpoint: limits, queue, idleness, rotation. Real sockets, a clock moved by hand. */
import { afterEach, describe, expect, test } from "bun:test";
import { type ConnectFailure, type Connection, connect, type PendingConnect } from "../../net/index.ts";
import { defaultCodecs } from "../testing/default-codecs.ts";
import { eventually } from "../testing/eventually.ts";
import { upstreamRequest } from "../testing/http-request.ts";
import { cannedServer, type RawServer } from "../testing/raw-peer.ts";
import { Http1Pool } from "./http1-pool.ts";
import type { PoolOptions, PoolWaiter, UpstreamHandler, UpstreamStream } from "./http-upstream.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

class Waiter implements PoolWaiter {
  readonly needsSettings = false;
  upstream: UpstreamStream | undefined;
  failure: ConnectFailure | undefined;

  onUpstream(upstream: UpstreamStream): void {
    this.upstream = upstream;
  }

  onUpstreamFailed(failure: ConnectFailure): void {
    this.failure = failure;
  }
}

class Handler implements UpstreamHandler {
  isEnded = false;
  lost: string | undefined;
  onUpstreamInterim(): void {}
  onUpstreamHead(): void {}
  onUpstreamBody(): void {}
  onUpstreamDrain(): void {}
  onUpstreamEnd(): void {
    this.isEnded = true;
  }
  onUpstreamLost(reason: string): void {
    this.lost = reason;
  }
}

interface Fixture {
  readonly pool: Http1Pool;
  readonly server: RawServer;
  readonly state: { nowMs: number; identity: object };
}

let server: RawServer | undefined;
afterEach(() => {
  server?.stop();
  server = undefined;
});

function fixture(options: Partial<PoolOptions> = {}): Fixture {
  const app = cannedServer(hello);
  server = app;
  const state = { nowMs: 0, identity: {} };
  const pool = new Http1Pool({
    dial: (done) => connect({ address: "127.0.0.1", port: app.port, timeoutMs: 1_000 }, done),
    currentIdentity: () => state.identity,
    nowMs: () => state.nowMs,
    codecs: defaultCodecs(),
    maxConnections: 2,
    maxPending: 2,
    idleTimeoutMs: 1_000,
    ...options,
  });
  return { pool, server: app, state };
}

async function acquire(pool: Http1Pool): Promise<UpstreamStream> {
  const waiter = new Waiter();
  const acquired = pool.acquire(waiter);
  if (typeof acquired === "string") throw new Error(acquired);
  if (acquired !== undefined) return acquired;
  await eventually(() => waiter.upstream !== undefined || waiter.failure !== undefined, "a connection");
  if (waiter.upstream === undefined) throw new Error(waiter.failure?.detail);
  return waiter.upstream;
}

async function exchange(upstream: UpstreamStream): Promise<void> {
  const handler = new Handler();
  upstream.begin(handler, upstreamRequest());
  upstream.writeEnd(undefined);
  await eventually(() => handler.isEnded, "the response");
}

describe("Http1Pool", () => {
  test("gives the connection back that was used last", async () => {
    const { pool } = fixture();
    const [first, second] = [await acquire(pool), await acquire(pool)];
    await exchange(first);
    await exchange(second);
    expect(pool.acquire(new Waiter()) === second).toBe(true);
    expect(pool.acquire(new Waiter()) === first).toBe(true);
  });

  test("opens no more than its limit; the next waits for the first that is free, one more is refused", async () => {
    const { pool, server: app } = fixture({ maxPending: 1 });
    const first = await acquire(pool);
    await acquire(pool);
    const waiter = new Waiter();
    expect(pool.acquire(waiter)).toBeUndefined();
    expect(pool.acquire(new Waiter())).toBe("pool_exhausted");
    expect(pool.pendingRequests).toBe(1);
    await exchange(first);
    expect(waiter.upstream).toBe(first);
    expect(app.connections.length).toBe(2);
  });

  describe("opens sixteen at once", () => {
    function waiting(count: number, options: Partial<PoolOptions> = {}) {
      const dials: ((result: Connection | ConnectFailure) => void)[] = [];
      const { pool, server: app } = fixture({
        maxConnections: 1_000,
        maxPending: 0,
        dial: (done) => {
          dials.push(done);
          return { cancel: () => {} };
        },
        ...options,
      });
      const waiters = Array.from({ length: count }, () => new Waiter());
      for (const waiter of waiters) expect(pool.acquire(waiter)).toBeUndefined();
      const open = async (at: number): Promise<void> => {
        const { promise, resolve } = Promise.withResolvers<Connection | ConnectFailure>();
        connect({ address: "127.0.0.1", port: app.port, timeoutMs: 30_000 }, resolve);
        dials[at]?.(await promise);
      };
      return { pool, dials, waiters, open };
    }

    test("and more as they stand; whoever waits takes what comes first", async () => {
      const { dials, waiters, open } = waiting(100);
      expect(dials.length).toBe(16);
      for (let i = 0; i < 16; i++) await open(i);
      expect(dials.length).toBe(32);
      await open(16);
      // Seventeen stand, and so many may be on their way.
      expect(dials.length).toBe(34);
      const { upstream } = waiters[0] ?? {};
      if (upstream === undefined) throw new Error("the first has none");
      await exchange(upstream);
      expect(waiters.filter((each) => each.upstream !== undefined).length).toBe(18);
      expect(dials.length).toBe(34);
    });

    test("and waits for nothing more where none of them comes to stand", () => {
      const { dials, waiters, pool } = waiting(100);
      const failure: ConnectFailure = { reason: "upstream_connect_timeout", detail: "took too long" };
      for (const done of dials) done(failure);
      expect(dials.length).toBe(16);
      expect(waiters.filter((each) => each.failure === failure).length).toBe(100);
      expect(pool.pendingRequests).toBe(0);
    });

    test("and one that fails is not for those who have come since, while a connection stands", async () => {
      const { pool, dials, waiters, open } = waiting(3);
      await open(0);
      const { upstream } = waiters[0] ?? {};
      if (upstream === undefined) throw new Error("the first has none");
      await exchange(upstream);
      // The attempts for these two are still under way.
      expect(waiters[1]?.upstream).toBe(upstream);
      const late = new Waiter();
      pool.cancel(waiters[2] ?? late);
      expect(pool.acquire(late)).toBeUndefined();
      const failure: ConnectFailure = { reason: "upstream_connect_timeout", detail: "took too long" };
      dials[1]?.(failure);
      dials[2]?.(failure);
      expect([late.failure, dials.length]).toEqual([undefined, 4]);
      dials[3]?.(failure);
      expect(late.failure).toBe(failure);
    });

    test("and refuses only who finds no place", () => {
      const { pool } = waiting(20, { maxConnections: 20 });
      expect(pool.acquire(new Waiter())).toBe("pool_exhausted");
    });
  });

  test("a waiter that gives up is not called, and the connection stays for the next", async () => {
    const { pool } = fixture();
    const waiter = new Waiter();
    pool.acquire(waiter);
    pool.cancel(waiter);
    await eventually(() => pool.idleConnections === 1, "the connection");
    expect(waiter.upstream).toBeUndefined();
  });

  test("a busy connection that dies makes room for whoever waits", async () => {
    const { pool } = fixture({ maxConnections: 1 });
    const first = await acquire(pool);
    const waiter = new Waiter();
    pool.acquire(waiter);
    first.begin(new Handler(), upstreamRequest());
    first.abandon();
    await eventually(() => waiter.upstream !== undefined, "another connection");
    expect(pool.openConnections).toBe(1);
  });

  test("all who wait are told when nothing can be connected", async () => {
    const failing = (done: (result: Connection | ConnectFailure) => void): PendingConnect => {
      queueMicrotask(() => done({ reason: "upstream_connect_failed", detail: "refused" }));
      return { cancel() {} };
    };
    const { pool } = fixture({ dial: failing, maxConnections: 1 });
    const waiters = [new Waiter(), new Waiter()];
    for (const waiter of waiters) pool.acquire(waiter);
    await eventually(() => waiters.every((waiter) => waiter.failure !== undefined), "the failures");
    expect(pool.pendingRequests).toBe(0);
  });

  test("closes what was idle for too long, and nothing else", async () => {
    const { pool, state } = fixture();
    const [first, second] = [await acquire(pool), await acquire(pool)];
    await exchange(first);
    state.nowMs = 600;
    await exchange(second);
    pool.sweep(999);
    expect(pool.idleConnections).toBe(2);
    pool.sweep(1_000);
    expect(pool.idleConnections).toBe(1);
    expect(pool.acquire(new Waiter()) === second).toBe(true);
  });

  test("after a rotation old connections go a few at a time", async () => {
    const { pool, state } = fixture({ maxConnections: 5 });
    const upstreams = await Promise.all(Array.from({ length: 5 }, () => acquire(pool)));
    for (const upstream of upstreams) await exchange(upstream);
    state.identity = {};
    const left = [0, 1, 2].map(() => {
      pool.sweep(0);
      return pool.idleConnections;
    });
    expect(left).toEqual([3, 1, 0]);
  });

  test("bytes that nobody asked for cost an idle connection its place", async () => {
    const { pool, server: app } = fixture();
    await exchange(await acquire(pool));
    expect(pool.idleConnections).toBe(1);
    app.connections[0]?.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    await eventually(() => pool.idleConnections === 0, "it is gone");
    expect(pool.openConnections).toBe(0);
  });

  test("bytes behind a response do too", async () => {
    const app = cannedServer(`${hello}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`);
    const { pool } = fixture({
      dial: (done) => connect({ address: "127.0.0.1", port: app.port, timeoutMs: 1_000 }, done),
    });
    const upstream = await acquire(pool);
    const handler = new Handler();
    upstream.begin(handler, upstreamRequest());
    upstream.writeEnd(undefined);
    await eventually(() => handler.isEnded || handler.lost !== undefined, "the response");
    expect(pool.idleConnections).toBe(0);
    app.stop();
  });

  test("when closed, idle connections go, busy ones finish, and new requests look elsewhere", async () => {
    const { pool } = fixture();
    const [idle, busy] = [await acquire(pool), await acquire(pool)];
    await exchange(idle);
    const waiter = new Waiter();
    pool.close();
    expect(pool.idleConnections).toBe(0);
    expect(pool.acquire(waiter)).toBe("no_endpoint");
    await exchange(busy);
    expect(pool.openConnections).toBe(0);
  });
});
