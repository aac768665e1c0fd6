/** What a connection policy asks of pools: turnover of connections, and a bound that several endpoints share. */
import { afterEach, describe, expect, test } from "bun:test";
import { HeaderFields } from "../../http2/index.ts";
import { systemClock } from "../../kernel/index.ts";
import { type ConnectFailure, connect } from "../../net/index.ts";
import { Http2Request } from "../http/index.ts";
import { defaultCodecs } from "../testing/default-codecs.ts";
import { eventually } from "../testing/eventually.ts";
import { upstreamRequest } from "../testing/http-request.ts";
import { Http2Server, requestLine } from "../testing/http2-peer.ts";
import { cannedServer } from "../testing/raw-peer.ts";
import { ConnectionBudget } from "./connection-budget.ts";
import { Http1Pool } from "./http1-pool.ts";
import { Http2Pool } from "./http2-pool.ts";
import type {
  PoolOptions,
  PoolWaiter,
  UpstreamHandler,
  UpstreamPool,
  UpstreamStream,
} from "./http-upstream.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

class Use implements PoolWaiter, UpstreamHandler {
  readonly needsSettings = false;
  upstream: UpstreamStream | undefined;
  failure: ConnectFailure | undefined;
  isEnded = false;
  lost: string | undefined;

  onUpstream(upstream: UpstreamStream): void {
    this.upstream = upstream;
  }
  onUpstreamFailed(failure: ConnectFailure): void {
    this.failure = failure;
  }
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

interface Version {
  readonly name: string;
  readonly serve: () => { readonly port: number; stop(): void };
  readonly pool: (options: PoolOptions) => UpstreamPool;
  readonly head: () => Parameters<typeof upstreamRequest>[0];
}

const versions: readonly Version[] = [
  {
    name: "HTTP/1.1",
    serve: () => cannedServer(hello),
    pool: (options) => new Http1Pool(options),
    head: () => undefined,
  },
  {
    name: "HTTP/2",
    serve: () => new Http2Server((request) => request.answer([[":status", "200"]])),
    pool: (options) => new Http2Pool(options, systemClock),
    head: () => new Http2Request(HeaderFields.of(requestLine("GET", "/")), true),
  },
];

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const each of cleanUp.splice(0)) each();
});

function fixture(version: Version, options: Partial<PoolOptions> = {}) {
  const server = version.serve();
  const state = { nowMs: 1_000, dials: 0 };
  const pool = version.pool({
    dial: (done) => {
      state.dials++;
      return connect({ address: "127.0.0.1", port: server.port, timeoutMs: 1_000 }, done);
    },
    currentIdentity: () => undefined,
    nowMs: () => state.nowMs,
    codecs: defaultCodecs(),
    maxConnections: 8,
    maxPending: 4,
    idleTimeoutMs: 1_000_000,
    ...options,
  });
  cleanUp.push(() => {
    pool.close();
    server.stop();
  });
  return { pool, state };
}

/** Has a connection, and sends nothing on it yet. */
async function take(pool: UpstreamPool): Promise<Use> {
  const use = new Use();
  const acquired = pool.acquire(use);
  if (typeof acquired === "string") throw new Error(acquired);
  if (acquired !== undefined) use.onUpstream(acquired);
  await eventually(() => use.upstream !== undefined || use.failure !== undefined, "a connection");
  return use;
}

async function finish(use: Use, version: Version): Promise<void> {
  use.upstream?.begin(use, upstreamRequest(version.head()));
  use.upstream?.writeEnd(undefined);
  await eventually(() => use.isEnded || use.lost !== undefined, "the response");
  expect(use.lost).toBeUndefined();
}

async function exchange(pool: UpstreamPool, version: Version): Promise<void> {
  await finish(await take(pool), version);
}

describe.each(versions)("$name connections", (version) => {
  test("are replaced after so many requests, none of which is lost", async () => {
    const { pool, state } = fixture(version, { maxRequestsPerConnection: 3 });
    for (let i = 0; i < 7; i++) await exchange(pool, version);
    expect(state.dials).toBe(3);
    await eventually(() => pool.openConnections === 1, "the worn ones are gone");
  });

  test("are replaced at the end of their lifetime, which chance makes shorter", async () => {
    const { pool, state } = fixture(version, { maxLifetimeMs: 1_000, random: () => 0.5 });
    await exchange(pool, version);
    state.nowMs += 949;
    pool.sweep(state.nowMs);
    await exchange(pool, version);
    expect(state.dials).toBe(1);
    state.nowMs += 1;
    pool.sweep(state.nowMs);
    await exchange(pool, version);
    expect(state.dials).toBe(2);
  });

  test("of one endpoint make room for another's where the cluster's bound is reached and they are idle", async () => {
    const budget = new ConnectionBudget(1);
    const a = fixture(version, { budget });
    const b = fixture(version, { budget });
    await exchange(a.pool, version);
    await exchange(b.pool, version);
    expect(a.pool.openConnections).toBe(0);
    expect(b.pool.openConnections).toBe(1);
    await exchange(a.pool, version);
    expect(budget.open).toBe(1);
  });

  test("of one endpoint are waited for by another's requests while they are busy", async () => {
    const budget = new ConnectionBudget(1);
    const a = fixture(version, { budget, maxPending: 1 });
    const b = fixture(version, { budget, maxPending: 1 });
    const busy = await take(a.pool);
    busy.upstream?.begin(busy, upstreamRequest(version.head()));
    const waiting = new Use();
    expect(b.pool.acquire(waiting)).toBeUndefined();
    expect(b.pool.acquire(new Use())).toBe("pool_exhausted");
    expect(b.state.dials).toBe(0);
    busy.upstream?.writeEnd(undefined);
    await eventually(() => waiting.upstream !== undefined, "the place of the other");
    await finish(waiting, version);
    expect(budget.open).toBe(1);
  });

  test("that could not be opened give their place back", async () => {
    const budget = new ConnectionBudget(1);
    const dead = fixture(version, {
      budget,
      dial: (done) => {
        queueMicrotask(() => done({ reason: "upstream_connect_failed", detail: "refused" }));
        return { cancel() {} };
      },
    });
    expect((await take(dead.pool)).failure?.detail).toBe("refused");
    expect(budget.open).toBe(0);
  });

  test("are all given back when their pools close, those on their way too", async () => {
    const budget = new ConnectionBudget(3);
    const { pool } = fixture(version, { budget });
    await exchange(pool, version);
    const slow = fixture(version, { budget, dial: () => ({ cancel() {} }) });
    const impatient = new Use();
    slow.pool.acquire(impatient);
    slow.pool.cancel(impatient);
    expect(budget.open).toBe(2);
    slow.pool.close();
    expect(budget.open).toBe(1);
    pool.close();
    await eventually(() => budget.open === 0, "the idle one is gone");
  });
});

describe("ConnectionBudget", () => {
  const member = (wanted = 0) => {
    const made = {
      wanted,
      opened: 0,
      get wantsConnection() {
        return made.wanted > 0;
      },
      onRoom() {
        while (made.wanted > 0 && budget.take(made)) {
          made.wanted--;
          made.opened++;
        }
      },
      dropOldestIdle: () => false,
    };
    return made;
  };
  let budget = new ConnectionBudget(2);

  test("serves those that wait in their order, and forgets those that wait no more", () => {
    budget = new ConnectionBudget(2);
    const [a, b, c] = [member(2), member(1), member(1)];
    for (const each of [a, b, c]) budget.join(each);
    a.onRoom();
    b.onRoom();
    c.onRoom();
    expect([a.opened, b.opened, c.opened]).toEqual([2, 0, 0]);
    b.wanted = 0;
    expect(budget.isWanted).toBe(true);
    budget.release();
    expect([b.opened, c.opened]).toEqual([0, 1]);
    expect(budget.isWanted).toBe(false);
    budget.release();
    budget.release();
    expect(budget.open).toBe(0);
  });
});
