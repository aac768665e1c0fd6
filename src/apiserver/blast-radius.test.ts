/** A change that may touch only so much is made on the very state on which it was looked at, whoever else writes. */
import { afterEach, expect, test } from "bun:test";
import { silentLog, VirtualClock, WeftError } from "../kernel/index.ts";
import { openSqliteStore, type Store } from "../store/index.ts";
import type { PlanProvider } from "./plan-endpoint.ts";
import type { PlannedChange } from "./planned-writes.ts";
import { type Answer, configMap, configMaps, somePlans, TestApi } from "./testing.ts";

let api: TestApi;
afterEach(() => api.close());

/** What was looked at, and what happens while it is. */
class WatchedPlans implements PlanProvider {
  readonly seen: PlannedChange[] = [];
  during: () => Promise<unknown> = async () => {};

  compare(...question: Parameters<PlanProvider["compare"]>): ReturnType<PlanProvider["compare"]> {
    return somePlans.compare(...question);
  }

  async plan(change: PlannedChange): ReturnType<PlanProvider["plan"]> {
    this.seen.push(change);
    await this.during();
    return somePlans.plan(change, []);
  }
}

const bounded = (name: string, limit = 1): Promise<Answer> =>
  api.call("POST", "/apis/weft.dev/v1alpha1/transactions", {
    objects: [configMap(name)],
    maxBlastRadius: { limit },
  });
const names = async (): Promise<string[]> =>
  (await api.call("GET", configMaps)).body.items.map(
    ({ metadata }: { metadata: { name: string } }) => metadata.name,
  );

/** As another control plane does: past this one's queue of writes. */
function commitElsewhere(store: Store, name: string): Promise<unknown> {
  const metadata = { name, namespace: "default" };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata } as const;
  return store.commit([{ type: "put", object }], { author: "other", message: "" });
}

test("is refused where another control plane commits while it is looked at", async () => {
  const plans = new WatchedPlans();
  api = await TestApi.start({ plans });
  plans.during = () => commitElsewhere(api.store, "other");
  const { status, body } = await bounded("mine");
  expect([status, body.message]).toEqual([
    409,
    expect.stringContaining("changed while the change was looked at"),
  ]);
  expect(await names()).toEqual(["other"]);
  plans.during = async () => {};
  expect((await bounded("mine")).status).toBe(200);
  expect(await names()).toEqual(["mine", "other"]);
});

test("is looked at again where another control plane was first at the commit itself", async () => {
  const plans = new WatchedPlans();
  const clock = new VirtualClock();
  const store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  await store.commit(
    [{ type: "put", object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } } }],
    { author: "init", message: "" },
  );
  let isFirst = true;
  api = await TestApi.start({
    plans,
    store: withCommit(store, async (writes, options) => {
      if (isFirst) {
        isFirst = false;
        await commitElsewhere(store, "other");
      }
      return store.commit(writes, options);
    }),
  });
  const { status, body } = await bounded("mine");
  expect([status, body.revision]).toEqual([200, 3]);
  expect(plans.seen.map(({ revision }) => revision)).toEqual([1, 2]);
  expect(await names()).toEqual(["mine", "other"]);
  store.close();
});

test("waits for a write of this control plane that came before, and is looked at after it", async () => {
  const plans = new WatchedPlans();
  api = await TestApi.start({ plans });
  const gate = Promise.withResolvers<void>();
  plans.during = () => gate.promise;
  const first = bounded("a");
  while (plans.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const others = [bounded("b"), api.call("POST", configMaps, configMap("c"))];
  gate.resolve();
  expect((await first).status).toBe(200);
  expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 201]);
  const revisions = plans.seen.map(({ revision }) => revision);
  expect(revisions[0]).toBe(1);
  expect(revisions[1]).toBeGreaterThan(1);
});

test("is not made where it cannot be looked at", async () => {
  const plans = new WatchedPlans();
  api = await TestApi.start({ plans });
  plans.during = () => Promise.reject(new WeftError("exhausted", "16 plans are waiting already"));
  expect((await bounded("a")).status).toBe(429);
  expect(await names()).toEqual([]);
});

function withCommit(store: Store, commit: Store["commit"]): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === "commit") return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
