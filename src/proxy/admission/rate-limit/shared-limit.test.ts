/** Limits over a real Redis: how exact they are, what they cost, and what happens when it is away. */
import { afterEach, describe, expect, test } from "bun:test";
import { RateLimitScope } from "../../../model/index.ts";
import { eventually } from "../../testing/eventually.ts";
import type { RequestFilter } from "../filter.ts";
import { FakeExchange, isAdmitted, Scene, verdictOf } from "./testing/filter-scene.ts";
import { hasRedis, RedisProcess } from "./testing/redis-process.ts";

const cluster = "shop/redis:6379";
const scenes: Scene[] = [];

afterEach(() => {
  for (const scene of scenes.splice(0)) scene.close();
});

function proxyOf(redis: RedisProcess): Scene {
  const scene = new Scene({ clusters: { [cluster]: redis.port } });
  scenes.push(scene);
  return scene;
}

interface Shared {
  readonly requests: bigint;
  readonly periodMs: number;
  readonly burst?: bigint;
}

function sharedFilter(scene: Scene, limit: Shared, store = {}): RequestFilter {
  return scene.filter({
    scope: RateLimitScope.GLOBAL,
    burst: 0n,
    ...limit,
    store: { cluster, timeoutMs: 1_000, ...store },
  });
}

async function admitted(filter: RequestFilter, count: number, init = {}): Promise<number> {
  const verdicts = await Promise.all(Array.from({ length: count }, () => isAdmitted(filter, init)));
  return verdicts.filter((isIn) => isIn).length;
}

/** `perTick` requests at each of the filters every 4 ms or so. */
async function load(filters: readonly RequestFilter[], perTick: number, forMs: number) {
  const startMs = performance.now();
  const verdicts: Promise<boolean>[] = [];
  while (performance.now() - startMs < forMs) {
    for (const filter of filters) for (let i = 0; i < perTick; i++) verdicts.push(isAdmitted(filter));
    await Bun.sleep(4);
  }
  const all = await Promise.all(verdicts);
  const seconds = (performance.now() - startMs) / 1_000;
  return { asked: all.length, passed: all.filter((isIn) => isIn).length, seconds };
}

const trips = (all: readonly Scene[]): number => all.reduce((sum, scene) => sum + scene.count("redis ok"), 0);

describe.skipIf(!hasRedis)("a limit of four proxies", () => {
  test("under more than it allows: never over the limit, nearly all of it used, few round trips", async () => {
    await using redis = await RedisProcess.start();
    const proxies = [1, 2, 3, 4].map(() => proxyOf(redis));
    const filters = proxies.map((scene) =>
      sharedFilter(scene, { requests: 500n, periodMs: 1_000, burst: 500n }),
    );
    const { asked, passed, seconds } = await load(filters, 2, 4_000);
    expect(proxies.map((scene) => scene.count("redis stand_in"))).toEqual([0, 0, 0, 0]);
    expect(asked).toBeGreaterThan(3_000);
    expect(passed).toBeLessThanOrEqual(500 + 500 * seconds);
    expect(passed).toBeGreaterThan(0.85 * (500 + 500 * seconds));
    expect(trips(proxies) / asked).toBeLessThan(0.05);
    console.log(
      `overload: ${asked} asked, ${passed} of ${Math.round(500 + 500 * seconds)} passed, ${trips(proxies)} round trips`,
    );
  }, 60_000);

  test("under less than it allows: everybody passes, with few round trips", async () => {
    await using redis = await RedisProcess.start();
    const proxies = [1, 2, 3, 4].map(() => proxyOf(redis));
    const filters = proxies.map((scene) => sharedFilter(scene, { requests: 10_000n, periodMs: 1_000 }));
    const { asked, passed } = await load(filters, 1, 3_000);
    expect(passed).toBe(asked);
    expect(trips(proxies) / asked).toBeLessThan(0.05);
    console.log(`in limit: ${asked} asked, ${trips(proxies)} round trips`);
  }, 60_000);

  test("is one, to the request, for a few in a long time", async () => {
    await using redis = await RedisProcess.start();
    const filters = [1, 2, 3, 4].map(() =>
      sharedFilter(proxyOf(redis), { requests: 10n, periodMs: 3_600_000 }),
    );
    let sum = 0;
    for (let round = 0; round < 6; round++) for (const filter of filters) if (await isAdmitted(filter)) sum++;
    expect(sum).toBe(10);
  });

  test("gives back what one of them leased and did not use", async () => {
    await using redis = await RedisProcess.start();
    const [one, other] = [proxyOf(redis), proxyOf(redis)];
    const limit = { requests: 300n, periodMs: 3_600_000 };
    const filter = sharedFilter(one, limit);
    const { passed } = await load([filter], 1, 400);
    const second = sharedFilter(other, limit);
    await eventually(async () => {
      const text = await redis.command(
        "--raw",
        "EVAL",
        "return redis.call('GET', redis.call('KEYS', '*:300/*')[1])",
        "0",
      );
      const parts = Number(text.split(" ")[0]);
      return Math.floor(parts / 12_000_000) === 300 - passed;
    }, "the rest of the lease is back");
    expect(await admitted(second, 400)).toBe(300 - passed);
  });
});

describe.skipIf(!hasRedis)("the store", () => {
  test("holds no value of a key, and knows the proxy by name", async () => {
    await using redis = await RedisProcess.start();
    const scene = proxyOf(redis);
    const filter = scene.filter({
      scope: RateLimitScope.GLOBAL,
      requests: 3n,
      periodMs: 60_000,
      keys: [{ name: "key", value: { case: "header", value: "x-api-key" } }],
      store: { cluster, timeoutMs: 1_000, database: 2, keyPrefix: "mine:" },
    });
    expect(await admitted(filter, 5, { headers: { "x-api-key": "hunter2" } })).toBe(3);
    const keys = await redis.command("-n", "2", "KEYS", "*");
    expect(keys).toContain("mine:shop/p/limits[0]:3/60000/3:");
    expect(keys).not.toContain("hunter2");
    expect(await redis.command("CLIENT", "LIST")).toContain("name=weft");
    const key = keys.split("\n").find((each) => each.includes("limits[0]")) ?? "";
    const lifeMs = Number(await redis.command("-n", "2", "PTTL", key));
    expect(lifeMs).toBeGreaterThan(50_000);
    expect(lifeMs).toBeLessThanOrEqual(61_000);
  });

  test("is logged in to by password, and by user and password", async () => {
    await using redis = await RedisProcess.start([], "s3cret");
    await redis.command("ACL", "SETUSER", "weft", "on", ">pw2", "~*", "+@all");
    for (const login of [{ password: "s3cret" }, { username: "weft", password: "pw2" }]) {
      const scene = proxyOf(redis);
      expect(
        await admitted(sharedFilter(scene, { requests: 4n, periodMs: 60_000 }, login), 3),
      ).toBeGreaterThan(0);
      expect(scene.count("redis ok")).toBeGreaterThan(0);
      expect(scene.log.join("")).toBe("");
    }
  });

  test("that refuses the password is away; the log says why and no password", async () => {
    await using redis = await RedisProcess.start([], "s3cret");
    const scene = proxyOf(redis);
    const filter = sharedFilter(scene, { requests: 4n, periodMs: 60_000 }, { password: "wr0ng" });
    expect(await admitted(filter, 10)).toBe(4);
    expect(scene.log.join("")).toContain("cause=WRONGPASS");
    expect(scene.log.join("")).not.toContain("wr0ng");
  });
});

/** Makes an outage and ends it. While it lasts each proxy has the whole limit for itself; it is told once, and ends by itself. */
async function outage(
  redis: RedisProcess,
  cause: { begin(): Promise<unknown> | void; end(): Promise<unknown> | void; readonly log: string },
): Promise<void> {
  const scene = proxyOf(redis);
  const filter = sharedFilter(scene, { requests: 50n, periodMs: 3_600_000 }, { timeoutMs: 200 });
  expect(await isAdmitted(filter)).toBe(true);
  expect(scene.count("redis ok")).toBe(1);
  await cause.begin();
  let passed = 0;
  for (let i = 0; i < 70; i++) if (await isAdmitted(filter)) passed++;
  expect(passed).toBe(50);
  await eventually(() => scene.log.some((line) => line.includes(cause.log)), `the log says ${cause.log}`);
  expect(scene.log.filter((line) => line.includes("counted by each proxy alone"))).toHaveLength(1);
  await cause.end();
  await eventually(() => scene.log.some((line) => line.includes("shared again")), "it is back", 10_000);
  const before = scene.count("redis ok");
  await isAdmitted(filter);
  await eventually(() => scene.count("redis ok") > before, "the store decides again");
  expect(scene.log).toHaveLength(2);
}

describe.skipIf(!hasRedis)("an outage", () => {
  test("of a server that does not answer any more", async () => {
    await using redis = await RedisProcess.start();
    await outage(redis, {
      begin: () => redis.signal("SIGSTOP"),
      end: () => redis.signal("SIGCONT"),
      log: "no answer within 200 ms",
    });
  }, 60_000);

  test("of a server that was killed, and is started again", async () => {
    await using redis = await RedisProcess.start();
    await outage(redis, { begin: () => redis.kill(), end: () => redis.restart(), log: "connection" });
  }, 60_000);

  test("of a server that takes no writes, as a replica", async () => {
    await using redis = await RedisProcess.start();
    await outage(redis, {
      begin: () => redis.command("REPLICAOF", "127.0.0.1", "1"),
      end: () => redis.command("REPLICAOF", "NO", "ONE"),
      log: "cause=READONLY",
    });
  }, 60_000);

  test("of a server without memory", async () => {
    await using redis = await RedisProcess.start(["--maxmemory-policy", "noeviction"]);
    await outage(redis, {
      begin: () => redis.command("CONFIG", "SET", "maxmemory", "1"),
      end: () => redis.command("CONFIG", "SET", "maxmemory", "0"),
      log: "cause=OOM",
    });
  }, 60_000);

  test("of a server that nobody ever saw ends when it is there", async () => {
    await using redis = await RedisProcess.start();
    await redis.kill();
    const scene = proxyOf(redis);
    const filter = sharedFilter(scene, { requests: 5n, periodMs: 3_600_000 });
    expect(await admitted(filter, 9)).toBe(5);
    await redis.restart();
    await eventually(() => scene.log.some((line) => line.includes("shared again")), "it is there", 10_000);
    expect(await admitted(filter, 9)).toBe(5);
    expect(scene.count("redis ok")).toBeGreaterThan(0);
  }, 60_000);
});

describe.skipIf(!hasRedis)("what others do to the store", () => {
  test("flushed scripts are loaded again, and nothing is noticed", async () => {
    await using redis = await RedisProcess.start();
    const scene = proxyOf(redis);
    const filter = sharedFilter(scene, { requests: 6n, periodMs: 3_600_000 });
    expect(await isAdmitted(filter)).toBe(true);
    await redis.command("SCRIPT", "FLUSH");
    let passed = 1;
    for (let i = 0; i < 9; i++) if (await isAdmitted(filter)) passed++;
    expect(passed).toBe(6);
    expect(scene.log).toEqual([]);
    expect(scene.count("redis stand_in")).toBe(0);
  });

  test("flushed buckets are full again, and no more than that", async () => {
    await using redis = await RedisProcess.start();
    const filter = sharedFilter(proxyOf(redis), { requests: 6n, periodMs: 3_600_000 });
    expect(await admitted(filter, 20)).toBe(6);
    await redis.command("FLUSHALL");
    const other = sharedFilter(proxyOf(redis), { requests: 6n, periodMs: 3_600_000 });
    expect(await admitted(other, 20)).toBe(6);
  });

  test("something else under the bucket's name is a full bucket", async () => {
    await using redis = await RedisProcess.start();
    const filter = sharedFilter(proxyOf(redis), { requests: 2n, periodMs: 3_600_000 });
    await isAdmitted(filter);
    const key = (await redis.command("KEYS", "*:2/*")).trim();
    await redis.command("SET", key, "junk");
    expect(await admitted(sharedFilter(proxyOf(redis), { requests: 2n, periodMs: 3_600_000 }), 9)).toBe(2);
  });
});

describe.skipIf(!hasRedis)("with other limits", () => {
  test("who is refused by the shared one gives back what the local one gave, and the other way round", async () => {
    await using redis = await RedisProcess.start();
    const scene = proxyOf(redis);
    const store = { cluster, timeoutMs: 1_000 };
    const keys = [{ name: "u", value: { case: "header", value: "x-user" } as const }];
    const filter = scene.filter(
      {
        scope: RateLimitScope.GLOBAL,
        requests: 3n,
        periodMs: 3_600_000,
        keys,
        store,
        source: { section: "shared" },
      },
      { scope: RateLimitScope.LOCAL, requests: 5n, periodMs: 3_600_000, source: { section: "own" } },
    );
    expect(await admitted(filter, 9, { headers: { "x-user": "a" } })).toBe(3);
    expect(await admitted(filter, 9, { headers: { "x-user": "b" } })).toBe(2);
    const exchange = new FakeExchange({ headers: { "x-user": "b" } });
    expect(await verdictOf(filter, exchange)).toMatchObject({ detail: expect.stringContaining("limit own") });
    const onlyShared = sharedFilterOf(scene, keys, store);
    expect(await admitted(onlyShared, 9, { headers: { "x-user": "b" } })).toBe(1);
  });

  test("a client that leaves while it waits takes nothing", async () => {
    await using redis = await RedisProcess.start();
    const scene = proxyOf(redis);
    const filter = scene.filter(
      {
        scope: RateLimitScope.GLOBAL,
        requests: 2n,
        periodMs: 3_600_000,
        store: { cluster, timeoutMs: 1_000 },
      },
      { scope: RateLimitScope.LOCAL, requests: 2n, periodMs: 3_600_000, source: { section: "own" } },
    );
    const exchange = new FakeExchange();
    expect(
      filter.start(exchange, {
        resume: () => {
          throw new Error("nobody waits any more");
        },
      }),
    ).toBe("suspended");
    filter.cancel(exchange);
    expect(await admitted(filter, 5)).toBe(2);
  });
});

function sharedFilterOf(
  scene: Scene,
  keys: readonly { name: string; value: { case: "header"; value: string } }[],
  store: object,
): RequestFilter {
  return scene.filter({
    scope: RateLimitScope.GLOBAL,
    requests: 3n,
    periodMs: 3_600_000,
    store,
    source: { section: "shared" },
    keys: [...keys],
  });
}
