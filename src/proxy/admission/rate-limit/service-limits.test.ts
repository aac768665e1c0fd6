/** Limits that a service decides: the protocol against grpc-js. */
import { afterEach, expect, test } from "bun:test";
import { Protocol, RateLimitScope } from "../../../model/index.ts";
import type { RequestFilter } from "../filter.ts";
import { FakeExchange, isAdmitted, Scene, verdictOf } from "./testing/filter-scene.ts";
import { counting, RateLimitServer } from "./testing/rate-limit-server.ts";

const cluster = "shop/limits:8081";
const scenes: Scene[] = [];

afterEach(() => {
  for (const scene of scenes.splice(0)) scene.close();
});

function proxyOf(port: number): Scene {
  const scene = new Scene({ clusters: { [cluster]: port }, protocol: Protocol.GRPC });
  scenes.push(scene);
  return scene;
}

const byUser = [
  { name: "tier", value: { case: "constant", value: "free" } as const },
  { name: "user", value: { case: "header", value: "x-user" } as const },
];

const service = { cluster, domain: "shop", timeoutMs: 2_000 };
const decided = { scope: RateLimitScope.SERVICE, keys: byUser, service };

async function admitted(filter: RequestFilter, count: number, user: string): Promise<number> {
  let sum = 0;
  for (let i = 0; i < count; i++) if (await isAdmitted(filter, { headers: { "x-user": user } })) sum++;
  return sum;
}

test("the service gets domain and descriptors, and its word holds", async () => {
  using server = await RateLimitServer.start(counting(2));
  const scene = proxyOf(server.port);
  const filter = scene.filter(decided);
  expect(await admitted(filter, 4, "a")).toBe(2);
  expect(await admitted(filter, 1, "b")).toBe(1);
  expect(server.asked[0]).toMatchObject({
    domain: "shop",
    descriptors: [
      {
        entries: [
          { key: "tier", value: "free" },
          { key: "user", value: "a" },
        ],
      },
    ],
  });
  const exchange = new FakeExchange({ headers: { "x-user": "a" } });
  expect(await verdictOf(filter, exchange)).toMatchObject({
    reason: "rate_limited",
    detail: "limit limits[0] by tier, user: its service says that it is used up",
  });
  expect(exchange.deeds).toMatchObject([{ verdict: "limited" }]);
  expect(scene.count("rate_limit_service over_limit")).toBe(3);
});

test("a request that lacks a key asks nobody", async () => {
  using server = await RateLimitServer.start(counting(0));
  const filter = proxyOf(server.port).filter(decided);
  expect(await isAdmitted(filter)).toBe(true);
  expect(server.asked).toEqual([]);
});

test("limits of one domain are one question, and each is answered for by itself", async () => {
  using server = await RateLimitServer.start(({ descriptors }) => ({
    overall_code: "OVER_LIMIT",
    statuses: descriptors.map((_each, index) => ({ code: index === 0 ? "OVER_LIMIT" : "OK" })),
  }));
  const filter = proxyOf(server.port).filter(
    { ...decided, source: { section: "tried" }, dryRun: true },
    { ...decided, source: { section: "real" }, keys: byUser.slice(1) },
  );
  const exchange = new FakeExchange({ headers: { "x-user": "a" } });
  expect(await verdictOf(filter, exchange)).toBe("continue");
  expect(exchange.deeds).toMatchObject([{ rule: "tried", verdict: "would_limit" }]);
  expect(server.asked).toHaveLength(1);
  expect(server.asked[0]?.descriptors).toHaveLength(2);
});

test("the service's headers are the client's, those that could break a message are not", async () => {
  using server = await RateLimitServer.start(() => ({
    overall_code: "OVER_LIMIT",
    response_headers_to_add: [
      { key: "x-limit-name", value: "free" },
      { key: "content-length", value: "5" },
      { key: "x-bad", value: "a\r\nb: c" },
    ],
  }));
  const exchange = new FakeExchange({ headers: { "x-user": "a" } });
  expect(await verdictOf(proxyOf(server.port).filter(decided), exchange)).toMatchObject({
    reason: "rate_limited",
  });
  expect(exchange.answer).toEqual({ "x-limit-name": "free" });
});

test.each([
  ["silence", 100],
  ["unavailable", 2_000],
] as const)(
  "without an answer (%s) requests go on, or are refused where the policy says so",
  async (kind, timeoutMs) => {
    using server = await RateLimitServer.start(() => kind);
    const scene = proxyOf(server.port);
    const open = scene.filter({ ...decided, service: { ...service, timeoutMs } });
    const closed = scene.filter({ ...decided, service: { ...service, timeoutMs, failsClosed: true } });
    expect(await admitted(open, 1, "a")).toBe(1);
    const refusal = await verdictOf(closed, new FakeExchange({ headers: { "x-user": "a" } }));
    expect(refusal).toMatchObject({ detail: expect.stringContaining("its service is away") });
    expect(scene.count("rate_limit_service failed")).toBe(2);
  },
);

test("who is refused by the service gives back what local limits gave, and who is refused by those asks no service", async () => {
  using server = await RateLimitServer.start(counting(1));
  const filter = proxyOf(server.port).filter(decided, {
    scope: RateLimitScope.LOCAL,
    requests: 2n,
    periodMs: 3_600_000,
    source: { section: "own" },
  });
  expect(await admitted(filter, 5, "a")).toBe(1);
  expect(await admitted(filter, 5, "b")).toBe(1);
  const before = server.asked.length;
  expect(await admitted(filter, 5, "c")).toBe(0);
  expect(server.asked.length).toBe(before);
});

test("a client that leaves cancels the question", async () => {
  using server = await RateLimitServer.start(() => "silence");
  const filter = proxyOf(server.port).filter(decided);
  const exchange = new FakeExchange({ headers: { "x-user": "a" } });
  const step = filter.start(exchange, {
    resume: () => {
      throw new Error("nobody waits any more");
    },
  });
  expect(step).toBe("suspended");
  filter.cancel(exchange);
});

test("a service that does not resolve is one without an answer", async () => {
  const scene = proxyOf(1);
  const lost = { ...service, unresolved: "Service shop/limits does not exist" };
  expect(await admitted(scene.filter({ ...decided, service: lost }), 1, "a")).toBe(1);
  const filter = scene.filter({ ...decided, service: { ...lost, failsClosed: true } });
  const refusal = await verdictOf(filter, new FakeExchange({ headers: { "x-user": "a" } }));
  expect(refusal).toMatchObject({ detail: expect.stringContaining("shop/limits does not exist") });
});
