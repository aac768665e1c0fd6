/** The registry on a real store: registration, liveness, leaving, restart. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ApiObject, MeshWorkload } from "../api/index.ts";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { openSqliteStore, type Store } from "../store/index.ts";
import type { WorkloadRegistration } from "./registration.ts";
import { Registry } from "./registry.ts";
import { meshConfig, service, workload } from "./test/test-objects.ts";

let clock: VirtualClock;
let store: Store;
let registry: Registry;
/** What the registry's owner sees: changes by writes and by time, in order. */
let told: string[] = [];
let stopWatching: () => void = () => {};

function start(): void {
  registry = new Registry({ store, clock, log: silentLog });
  const note = ({
    endpoints,
    workloads,
  }: {
    endpoints: ReadonlySet<string>;
    workloads: ReadonlySet<string>;
  }): void => {
    if (endpoints.size + workloads.size > 0) told.push([...workloads, ...endpoints].join(" "));
  };
  const { sequence } = registry.load();
  registry.subscribe(note);
  const watch = store.watch(sequence, (events) => note(registry.apply(events)));
  stopWatching = watch === "gone" ? () => {} : watch;
}
function restart(): void {
  stopWatching();
  registry.close();
  told = [];
  start();
}
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}
async function put(...objects: ApiObject[]): Promise<void> {
  await store.commit(
    objects.map((object) => ({ type: "put", object })),
    { author: "test", message: "" },
  );
  await settle();
}
const registration = (name: string, overrides: Partial<WorkloadRegistration> = {}): WorkloadRegistration => ({
  namespace: "default",
  name,
  serviceAccount: "web",
  annotations: {},
  labels: { app: "web" },
  addresses: ["10.77.0.2"],
  ports: [{ port: 8080, name: "http", protocol: "" }],
  tunnelAddress: "",
  tunnelPort: 0,
  region: "",
  zone: "",
  ...overrides,
});
async function register(name: string, overrides: Partial<WorkloadRegistration> = {}): Promise<void> {
  await registry.register(registration(name, overrides));
  registry.connected(`default/${name}`);
  await settle();
}
const endpoints = (): string[] =>
  registry.views.endpoints("default/web", 80).map(({ workload: path, health }) => `${path} ${health}`);
const stored = (name: string): MeshWorkload | undefined =>
  store.get({ kind: "MeshWorkload", namespace: "default", name });

beforeEach(async () => {
  clock = new VirtualClock();
  told = [];
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  await store.commit(
    [
      {
        type: "put",
        object: service("web", { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] }),
      },
      { type: "put", object: meshConfig({ leaseSeconds: 5 }) },
    ],
    { author: "test", message: "" },
  );
  start();
});
afterEach(() => {
  stopWatching();
  registry.close();
  store.close();
});

describe("a registration", () => {
  test("makes the workload an endpoint, in no revision, with the lease's length as answer", async () => {
    const revision = store.revision;
    expect(await registry.register(registration("w1"))).toEqual({ leaseMs: 5000 });
    await settle();
    expect(endpoints()).toEqual(["default/w1 live"]);
    expect(told).toEqual(["default/w1 default/web"]);
    expect(store.revision).toBe(revision);
    expect(stored("w1")?.spec).toMatchObject({
      serviceAccount: "web",
      addresses: ["10.77.0.2"],
      tunnel: { type: "weft", port: 15_008 },
    });
  });

  test("keeps where its application's own metrics are, and no other annotation", async () => {
    const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "9102", other: "x" };
    await register("w1", { annotations });
    expect(registry.views.workload("default/w1")?.metrics).toEqual({ port: 9102, path: "/metrics" });
    const stored = store.get({ kind: "MeshWorkload", namespace: "default", name: "w1" });
    expect(Object.keys(stored?.metadata.annotations ?? {}).toSorted()).toEqual([
      "prometheus.io/port",
      "prometheus.io/scrape",
      "weft.dev/registered-by",
    ]);
  });

  test("said again with the same content writes nothing, and with other content replaces it", async () => {
    await register("w1");
    await pass(1000);
    const before = store.sequence;
    await registry.register(registration("w1"));
    expect(store.sequence).toBe(before);
    await registry.register(registration("w1", { labels: { app: "other" } }));
    await settle();
    expect(endpoints()).toEqual([]);
  });

  test("that cannot be a workload is refused with every issue, and nothing is written", async () => {
    const before = store.sequence;
    const bad = registration("w1", { addresses: [], labels: { "not a key": "x" } });
    const error = await registry.register(bad).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "bad_input" });
    expect(error).toHaveProperty("issues.length", 2);
    expect(store.sequence).toBe(before);
  });

  test.each<[string, string, Partial<WorkloadRegistration>, string]>([
    ["another service account's name", "w1", { serviceAccount: "thief" }, "forbidden"],
    ["another workload's address", "w2", {}, "conflict"],
    ["an address among the virtual ones", "w2", { addresses: ["240.240.0.1"] }, "forbidden"],
    ["another workload's address in other spelling", "w2", { addresses: ["::ffff:10.77.0.2"] }, "conflict"],
  ])("with %s is refused while that one is alive", async (_, name, overrides, code) => {
    await register("w1");
    await expect(registry.register(registration(name, overrides))).rejects.toHaveProperty("code", code);
    expect(endpoints()).toEqual(["default/w1 live"]);
  });

  test("may take name and address of one that is lost", async () => {
    await register("w1");
    await register("w3", { addresses: ["10.77.0.3"] });
    registry.disconnected("default/w1");
    await pass(5000);
    await register("w1", { serviceAccount: "heir" });
    expect(stored("w1")?.spec.serviceAccount).toBe("heir");
    registry.disconnected("default/w3");
    await pass(5000);
    await register("w4", { addresses: ["10.77.0.3"] });
    expect(endpoints()).toEqual(["default/w1 live", "default/w4 live"]);
  });

  test("with an address that means another machine in each namespace is nobody's alone", async () => {
    await register("w1", { addresses: ["127.0.0.1"] });
    await register("w2", { addresses: ["127.0.0.1"] });
    expect(endpoints().length).toBe(2);
  });

  test("of an operator's workload keeps the operator's words", async () => {
    await put(
      workload(
        "vm",
        { app: "web" },
        { serviceAccount: "web", addresses: ["10.77.0.9"], ports: [{ port: 8080, name: "http" }] },
      ),
    );
    expect(endpoints()).toEqual([]);
    await register("vm", { labels: { app: "else" } });
    expect(endpoints()).toEqual(["default/vm live"]);
    await registry.leave({ namespace: "default", name: "vm", drainOnly: false });
    await settle();
    expect(stored("vm")).toBeDefined();
    expect(endpoints()).toEqual([]);
  });
});

describe("liveness", () => {
  test("follows the stream and the lease, and its status is written on transitions", async () => {
    await register("w1");
    await pass(100);
    expect(stored("w1")?.status).toEqual({ connected: true, draining: false, health: "Healthy" });
    const before = store.sequence;
    await pass(60_000);
    expect(store.sequence).toBe(before);
    registry.disconnected("default/w1");
    await pass(4999);
    expect(stored("w1")?.status?.leaseExpires).toBe(new Date(clock.nowMs() + 1).toISOString());
    expect(endpoints()).toEqual(["default/w1 live"]);
    await pass(1);
    expect(endpoints()).toEqual([]);
    await pass(100);
    expect(stored("w1")?.status).toEqual({ connected: false, draining: false, health: "Unhealthy" });
    registry.connected("default/w1");
    await pass(100);
    expect(endpoints()).toEqual(["default/w1 live"]);
  });

  test("is in the status of a workload that registers long after its stream opened", async () => {
    registry.connected("default/w1");
    await pass(1000);
    await register("w1");
    await pass(100);
    expect(stored("w1")?.status?.health).toBe("Healthy");
  });

  test("follows a changed lease", async () => {
    await put(meshConfig({ leaseSeconds: 20 }));
    await register("w1");
    registry.disconnected("default/w1");
    await pass(19_999);
    expect(endpoints()).toEqual(["default/w1 live"]);
    await pass(1);
    expect(endpoints()).toEqual([]);
  });

  test("of a workload without a proxy is its author's word", async () => {
    await put(
      workload(
        "legacy",
        { app: "web" },
        { addresses: ["10.77.0.9"], tunnel: { type: "none" }, ports: [{ port: 8080, name: "http" }] },
      ),
    );
    await pass(3_600_000);
    expect(endpoints()).toEqual(["default/legacy live"]);
  });

  test("of one that is long lost ends with its object, so that names do not pile up", async () => {
    await register("w1");
    registry.disconnected("default/w1");
    await pass(5000);
    await pass(600_000);
    expect(stored("w1")).toBeUndefined();
  });
});

describe("leaving", () => {
  test("in two steps: first it takes nothing new, then it is gone", async () => {
    await register("w1");
    await registry.leave({ namespace: "default", name: "w1", drainOnly: true });
    expect(endpoints()).toEqual(["default/w1 draining"]);
    await pass(60_000);
    expect(endpoints()).toEqual(["default/w1 draining"]);
    await registry.leave({ namespace: "default", name: "w1", drainOnly: false });
    await settle();
    expect(endpoints()).toEqual([]);
    expect(stored("w1")).toBeUndefined();
  });

  test("is undone by a registration under the same name, while the old stream is still there", async () => {
    await register("w1");
    await registry.leave({ namespace: "default", name: "w1", drainOnly: false });
    await settle();
    await register("w1");
    registry.disconnected("default/w1");
    await pass(60_000);
    expect(endpoints()).toEqual(["default/w1 live"]);
  });

  test("half way is undone by a registration: the proxy was started again under its name", async () => {
    await register("w1");
    await registry.leave({ namespace: "default", name: "w1", drainOnly: true });
    await register("w1");
    expect(endpoints()).toEqual(["default/w1 live"]);
    await pass(100);
    expect(stored("w1")?.status?.draining).toBe(false);
  });

  test("of somebody unknown changes nothing", async () => {
    const before = store.sequence;
    await registry.leave({ namespace: "default", name: "nobody", drainOnly: false });
    expect([store.sequence, told]).toEqual([before, []]);
  });
});

describe("after a restart", () => {
  test("everybody counts as alive for one lease, without a write, and stays so where they come back", async () => {
    await register("w1");
    await register("w2", { addresses: ["10.77.0.3"] });
    await pass(100);
    const before = store.sequence;
    restart();
    expect(endpoints()).toEqual(["default/w1 live", "default/w2 live"]);
    registry.connected("default/w1");
    await pass(4999);
    expect(endpoints().length).toBe(2);
    expect(store.sequence).toBe(before);
    await pass(1);
    expect(endpoints()).toEqual(["default/w1 live"]);
  });

  test("those that were lost or draining before still are", async () => {
    await register("w1");
    await register("w2", { addresses: ["10.77.0.3"] });
    registry.disconnected("default/w1");
    await registry.leave({ namespace: "default", name: "w2", drainOnly: true });
    await pass(5000);
    await pass(100);
    restart();
    expect(endpoints()).toEqual(["default/w2 draining"]);
    registry.connected("default/w1");
    await settle();
    expect(endpoints()).toEqual(["default/w1 live", "default/w2 draining"]);
  });

  test("when nobody comes back, nobody is lost", async () => {
    for (let i = 0; i < 6; i++) await register(`w${i}`, { addresses: [`10.77.1.${i}`] });
    await pass(100);
    restart();
    await pass(3_600_000);
    expect(endpoints().length).toBe(6);
    expect(registry.isFrozen).toBe(true);
  });
});

test("loading again takes out what went meanwhile", async () => {
  await register("w1");
  stopWatching();
  await store.commit([{ type: "delete", key: { kind: "Service", namespace: "default", name: "web" } }], {
    author: "test",
    message: "",
  });
  await store.writeOperational([
    { type: "delete", key: { kind: "MeshWorkload", namespace: "default", name: "w1" } },
  ]);
  const { change } = registry.load();
  expect([[...change.services], [...change.workloads]]).toEqual([["default/web"], ["default/w1"]]);
  expect([...registry.views.services(), ...registry.views.workloads()]).toEqual([]);
});

test("one commit is one change", async () => {
  const changes: string[][] = [];
  stopWatching();
  const watch = store.watch(store.sequence, (events) => {
    const { services, endpoints: changed } = registry.apply(events);
    changes.push([...services, ...changed].toSorted());
  });
  stopWatching = watch === "gone" ? () => {} : watch;
  await put(service("a", { ports: [{ port: 80 }] }), service("b", { ports: [{ port: 80 }] }));
  expect(changes).toEqual([["default/a", "default/a", "default/b", "default/b"]]);
});
