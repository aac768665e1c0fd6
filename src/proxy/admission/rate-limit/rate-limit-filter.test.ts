/** Limits as a filter, in virtual time: what passes, what is refused, what the client is told. */
import { afterEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../../kernel/index.ts";
import { RateLimitScope } from "../../../model/index.ts";
import {
  FakeExchange,
  isAdmitted,
  limitOf,
  Scene,
  type SceneOptions,
  verdictOf,
} from "./testing/filter-scene.ts";

const scenes: Scene[] = [];

function newScene(options: SceneOptions = {}): { readonly scene: Scene; readonly clock: VirtualClock } {
  const clock = new VirtualClock();
  const scene = new Scene({ clock, ...options });
  scenes.push(scene);
  return { scene, clock };
}

afterEach(() => {
  for (const scene of scenes.splice(0)) scene.close();
});

const local = { scope: RateLimitScope.LOCAL };
const byUser = [{ name: "user", value: { case: "header", value: "x-user" } as const }];

async function admitted(filter: Parameters<typeof isAdmitted>[0], count: number, init = {}): Promise<number> {
  let sum = 0;
  for (let i = 0; i < count; i++) if (await isAdmitted(filter, init)) sum++;
  return sum;
}

describe("a local limit", () => {
  test("lets its burst through, then its rate", async () => {
    const { scene, clock } = newScene();
    const filter = scene.filter({ ...local, requests: 5n, periodMs: 1_000, burst: 8n });
    expect(await admitted(filter, 20)).toBe(8);
    clock.advance(200);
    expect(await admitted(filter, 20)).toBe(1);
    clock.advance(60_000);
    expect(await admitted(filter, 20)).toBe(8);
  });

  test("has a bucket for each tuple, and counts nobody who lacks a key", async () => {
    const { scene } = newScene();
    const filter = scene.filter({ ...local, keys: byUser, requests: 2n, periodMs: 1_000 });
    expect(await admitted(filter, 5, { headers: { "x-user": "a" } })).toBe(2);
    expect(await admitted(filter, 5, { headers: { "x-user": "b" } })).toBe(2);
    expect(await admitted(filter, 5)).toBe(5);
  });

  test("counts connections by the keys that connections have", async () => {
    const { scene } = newScene();
    const filter = scene.filter({
      ...local,
      keys: [{ name: "from", value: { case: "sourceAddress", value: true } }],
      requests: 3n,
      periodMs: 1_000,
    });
    expect(await admitted(filter, 5, { isTcp: true })).toBe(3);
    const exchange = new FakeExchange({ isTcp: true });
    expect(await verdictOf(filter, exchange)).toMatchObject({ reason: "rate_limited" });
    expect(exchange.lines).toEqual([]);
  });

  test("counts only what it matches", async () => {
    const { scene } = newScene();
    const filter = scene.filter({
      ...local,
      matches: [{ to: [{ methods: ["POST"] }] }],
      requests: 1n,
      periodMs: 1_000,
    });
    expect(await admitted(filter, 4, { method: "POST" })).toBe(1);
    expect(await admitted(filter, 4)).toBe(4);
    // No connection is a POST, though it may well carry some.
    expect(await admitted(filter, 4, { isTcp: true })).toBe(4);
  });

  test("is overridden for some, and unlimited for others", async () => {
    const { scene } = newScene();
    const filter = scene.filter({
      ...local,
      keys: byUser,
      requests: 1n,
      periodMs: 1_000,
      overrides: [
        { values: ["gold-*"], requests: 4n, periodMs: 1_000 },
        { values: ["root"], isUnlimited: true },
      ],
    });
    expect(await admitted(filter, 9, { headers: { "x-user": "gold-1" } })).toBe(4);
    expect(await admitted(filter, 9, { headers: { "x-user": "root" } })).toBe(9);
    expect(await admitted(filter, 9, { headers: { "x-user": "x" } })).toBe(1);
  });

  test("keeps as many tuples as it may, and counts those that go", async () => {
    const { scene } = newScene();
    const filter = scene.filter({ ...local, keys: byUser, requests: 1n, periodMs: 60_000, maxBuckets: 2 });
    for (const user of ["a", "b", "c"])
      expect(await isAdmitted(filter, { headers: { "x-user": user } })).toBe(true);
    expect(scene.count("rate_limit_bucket evicted")).toBe(1);
    expect(await isAdmitted(filter, { headers: { "x-user": "c" } })).toBe(false);
    expect(await isAdmitted(filter, { headers: { "x-user": "a" } })).toBe(true);
  });

  test("is shared by processes: never more than the limit and one of burst for each", async () => {
    const clock = new VirtualClock();
    const filters = Array.from({ length: 4 }, () =>
      newScene({ clock, processes: 4 }).scene.filter({ ...local, requests: 10n, periodMs: 1_000 }),
    );
    let sum = 0;
    for (const filter of filters) sum += await admitted(filter, 50);
    expect(sum).toBeGreaterThanOrEqual(10);
    expect(sum).toBeLessThanOrEqual(13);
    let later = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      clock.advance(10);
      for (const filter of filters) later += await admitted(filter, 1);
    }
    expect(later).toBeLessThanOrEqual(100);
    expect(later).toBeGreaterThanOrEqual(96);
  });

  test("goes on where it was when the configuration around it changes, and anew when it changes itself", async () => {
    const { scene } = newScene();
    const limit = limitOf({ ...local, requests: 3n, periodMs: 60_000 });
    const before = scene.filterOf([limit]);
    expect(await admitted(before, 2)).toBe(2);
    const after = scene.filterOf([limitOf({ ...limit })]);
    before.close?.();
    expect(await admitted(after, 5)).toBe(1);
    expect(await admitted(scene.filterOf([limitOf({ ...limit, requests: 4n })]), 9)).toBe(4);
  });
});

describe("several limits", () => {
  const wide = { ...local, requests: 5n, periodMs: 60_000 };
  const narrow = { ...local, keys: byUser, requests: 2n, periodMs: 60_000 };

  test("must all have room, and who is refused by one takes nothing of the others", async () => {
    const { scene } = newScene();
    const filter = scene.filter(
      { ...wide, source: { section: "wide" } },
      { ...narrow, source: { section: "narrow" } },
    );
    expect(await admitted(filter, 50, { headers: { "x-user": "a" } })).toBe(2);
    expect(await admitted(filter, 50, { headers: { "x-user": "b" } })).toBe(2);
    expect(await admitted(filter, 50, { headers: { "x-user": "c" } })).toBe(1);
    expect(await admitted(filter, 50, { headers: { "x-user": "d" } })).toBe(0);
  });

  test("tell the client of the one with the least left", async () => {
    const { scene } = newScene();
    const filter = scene.filter(
      { ...wide, source: { section: "wide" } },
      { ...narrow, source: { section: "narrow" } },
    );
    const exchange = new FakeExchange({ headers: { "x-user": "a" } });
    await verdictOf(filter, exchange);
    expect(exchange.answer["ratelimit"]).toBe('"narrow";r=1;t=30');
    expect(exchange.answer["ratelimit-policy"]).toBe('"narrow";q=2;w=60');
  });
});

describe("a refusal", () => {
  test("has a reason, the policy, and no value of a key", async () => {
    const { scene } = newScene();
    const filter = scene.filter({ ...local, keys: byUser, requests: 0n, periodMs: 1_000 });
    const exchange = new FakeExchange({ headers: { "x-user": "secret-token" } });
    expect(await verdictOf(filter, exchange)).toMatchObject({
      reason: "rate_limited",
      source: { name: "p" },
      detail: "limit limits[0] by user of 0 in 1000 ms is used up",
    });
    expect(exchange.deeds).toMatchObject([{ rule: "limits[0]", verdict: "limited" }]);
    expect(exchange.answer["retry-after"]).toBe("86400");
  });

  test("says when to come back, and that is true", async () => {
    const { scene, clock } = newScene();
    const filter = scene.filter({ ...local, requests: 2n, periodMs: 10_000 });
    await admitted(filter, 2);
    clock.advance(1_000);
    const exchange = new FakeExchange();
    await verdictOf(filter, exchange);
    expect(exchange.answer).toEqual({
      "retry-after": "4",
      "ratelimit-policy": '"limits[0]";q=2;w=10',
      ratelimit: '"limits[0]";r=0;t=9',
    });
    clock.advance(4_000);
    expect(await isAdmitted(filter)).toBe(true);
  });

  test("tells no more than when, where the limit hides itself", async () => {
    const { scene } = newScene();
    const filter = scene.filter({ ...local, requests: 1n, periodMs: 1_000, hidesHeaders: true });
    const first = new FakeExchange();
    await verdictOf(filter, first);
    expect(first.lines).toEqual([]);
    const second = new FakeExchange();
    await verdictOf(filter, second);
    expect(second.answer).toEqual({ "retry-after": "1" });
  });

  test("of a limit by less than a second is told in whole seconds", async () => {
    const { scene } = newScene();
    const filter = scene.filter({ ...local, requests: 7n, periodMs: 100 });
    const exchange = new FakeExchange();
    await verdictOf(filter, exchange);
    expect(exchange.answer["ratelimit-policy"]).toBe('"limits[0]";q=70;w=1');
  });
});

test("a dry run refuses nobody and notes what it would do", async () => {
  const { scene } = newScene();
  const filter = scene.filter({ ...local, requests: 1n, periodMs: 60_000, dryRun: true });
  await verdictOf(filter);
  const exchange = new FakeExchange();
  expect(await verdictOf(filter, exchange)).toBe("continue");
  expect(exchange.deeds).toMatchObject([{ verdict: "would_limit" }]);
  expect(exchange.lines).toEqual([]);
});

test("a shared limit without a store is counted alone, and that is said once", async () => {
  const { scene } = newScene();
  const shared = { scope: RateLimitScope.GLOBAL, requests: 2n, periodMs: 60_000 };
  const filter = scene.filter({ ...shared, store: { unresolved: "Service shop/redis does not exist" } });
  expect(await admitted(filter, 5)).toBe(2);
  expect(scene.log.filter((line) => line.includes("counted by each proxy alone"))).toHaveLength(1);
  expect(scene.log.join("")).toContain("shop/redis does not exist");
});
