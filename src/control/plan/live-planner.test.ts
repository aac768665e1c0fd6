/** The planner and the explainer beside a compiler in force, without ports: how many may wait, what a failure leaves, what is let go. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { keyOf, parseObject } from "../../api/index.ts";
import type { PlannedChange } from "../../apiserver/index.ts";
import { SubscriptionCore } from "../../distribute/index.ts";
import { silentLog, VirtualClock } from "../../kernel/index.ts";
import { PlaintextCallers, TapHub } from "../../observe/index.ts";
import { Registry } from "../../registry/index.ts";
import { openSqliteStore, type Store } from "../../store/index.ts";
import { CompiledSource } from "../compiled-source.ts";
import { Configuration } from "../configuration.ts";
import { LiveExplainer } from "../explain/live-explainer.ts";
import { writeInitialObjects } from "../initial-objects.ts";
import { StatusQueue } from "../status-queue.ts";
import { AnsweringProxy } from "../test/answering-proxy.ts";
import { service, split } from "../test/asked-control.ts";
import type { LivePlanner } from "./live-planner.ts";
import { openPlanner } from "./open-planner.ts";

const trustDomain = "0a1b2c3d.weft";
let clock: VirtualClock;
let store: Store;
let planner: LivePlanner;
let explainer: LiveExplainer;
let closers: (() => unknown)[];

beforeEach(async () => {
  clock = new VirtualClock();
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  await writeInitialObjects(store);
  await commit(addressed("reviews", 7), addressed("reviews-v2", 8), split(0));
  const registry = new Registry({ store, clock, log: silentLog });
  const statuses = new StatusQueue({ store, clock, log: silentLog });
  const configuration = new Configuration({
    ...{ store, registry, statuses, trustDomain, trustRoots: [], log: silentLog },
  });
  const core = new SubscriptionCore(new CompiledSource(configuration), clock);
  const identity = {
    workload: "default/web-1",
    namespace: "default",
    name: "web-1",
    role: "sidecar",
  } as const;
  new AnsweringProxy(core, identity).subscribe("default/reviews:9080@default").settle();
  const taps = new TapHub({ clock });
  const parts = { store, registry, configuration, taps, trustDomain, clock };
  planner = openPlanner({ ...parts, core, plaintextCallers: new PlaintextCallers(clock) });
  explainer = new LiveExplainer({ ...parts, refusals: () => [] });
  closers = [planner, core, configuration, registry].map((part) => () => part.close());
  closers.push(() => statuses.close());
});
afterEach(async () => {
  for (const close of closers) await close();
  store.close();
});

test("tells what a subscriber would be sent, of whatever state the store has come to", async () => {
  expect(await planner.plan(change(split(10)), [])).toMatchObject({
    ...{ touched: 1, unaffected: 0, workloads: [{ name: "default/web-1" }] },
  });
  await commit(split(10));
  expect((await planner.plan(change(split(10)), [])).touched).toBe(0);
  expect((await planner.plan(change(split(0)), [])).touched).toBe(1);
});

test("sixteen wait for each other, one more is turned away, and all others are answered", async () => {
  const asked = Array.from({ length: 17 }, (_, index) => planner.plan(change(split(index + 1)), []));
  const [last] = await Promise.allSettled(asked.slice(16));
  expect(last).toMatchObject({ status: "rejected", reason: { code: "exhausted" } });
  for (const report of await Promise.all(asked.slice(0, 16))) expect(report.touched).toBe(1);
  expect((await planner.plan(change(split(3)), [])).touched).toBe(1);
});

test("explanations too: sixteen wait, one more is turned away", async () => {
  const request = { from: { namespace: "default", serviceAccount: "web" }, url: "http://reviews:9080/" };
  const asked = Array.from({ length: 17 }, () => explainer.explain(request));
  const [last] = await Promise.allSettled(asked.slice(16));
  expect(last).toMatchObject({ status: "rejected", reason: { code: "exhausted" } });
  for (const { hops } of await Promise.all(asked.slice(0, 16))) {
    expect(hops[0]?.route?.source).toMatchObject({ name: "split", revision: store.revision });
  }
  const rejected = explainer.explain({ ...request, url: "reviews" });
  expect(await rejected.catch((error: unknown) => error)).toMatchObject({ code: "bad_input" });
  expect((await explainer.explain(request)).hops).toHaveLength(1);
});

test("a plan that fails in the middle leaves nothing of its change in the next one", async () => {
  const result = {
    get kind(): string {
      throw new Error("broken");
    },
    ...({ namespace: "default", name: "split", outcome: "configured" } as const),
  };
  const broken = { ...change(split(100)), results: [result] };
  expect(await planner.plan(broken, []).catch(String)).toBe("Error: broken");
  expect((await planner.plan(change(split(0)), [])).touched).toBe(0);
});

test("the second mesh is let go when nobody has asked for two minutes, and made again", async () => {
  await planner.plan(change(split(10)), []);
  expect(planner.isHolding).toBeTrue();
  clock.advance(119_000);
  await planner.plan(change(split(10)), []);
  clock.advance(119_000);
  expect(planner.isHolding).toBeTrue();
  clock.advance(1_000);
  expect(planner.isHolding).toBeFalse();
  expect((await planner.plan(change(split(10)), [])).touched).toBe(1);
});

const addressed = (name: string, last: number) => {
  const { spec, ...rest } = service(name);
  return { ...rest, spec: { ...spec, clusterIP: `240.240.0.${last}` } };
};

function parsed(input: unknown) {
  const result = parseObject(input, "write");
  if ("issues" in result) throw new Error(JSON.stringify(result.issues));
  return result.object;
}

async function commit(...objects: readonly object[]): Promise<void> {
  const writes = objects.map((object) => ({ type: "put", object: parsed(object) }) as const);
  await store.commit(writes, { author: "test", message: "" });
}

function change(...objects: readonly object[]): PlannedChange {
  const upserted = objects.map(parsed);
  const results = upserted.map((object) => ({ ...keyOf(object), outcome: "configured" as const }));
  return { revision: store.revision, upserted, removed: [], results };
}
