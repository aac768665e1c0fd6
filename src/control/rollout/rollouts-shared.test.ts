/** A configuration on trial at two control planes over one store: each moves its own proxies, one judges, and both tell what they see. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type ConfigRollout, keyOf, parseObject, type RolloutFigures } from "../../api/index.ts";
import { SubscriptionCore } from "../../distribute/index.ts";
import { silentLog, VirtualClock } from "../../kernel/index.ts";
import { Registry } from "../../registry/index.ts";
import { openSqliteStore, type Store, type Write } from "../../store/index.ts";
import { CompiledSource } from "../compiled-source.ts";
import { Configuration } from "../configuration.ts";
import { writeInitialObjects } from "../initial-objects.ts";
import { decodePart, encodePart, type ProxyRecord } from "../replicas/proxies-elsewhere.ts";
import { trialIn, withTrial } from "../replicas/trial-records.ts";
import { StatusQueue } from "../status-queue.ts";
import { AnsweringProxy } from "../test/answering-proxy.ts";
import { drawOf } from "./draw.ts";
import { Rollouts } from "./rollouts.ts";
import type { TrialReport } from "./trial.ts";

const meta = { author: "test", message: "" };
const trust = { trustDomain: "0a1b2c3d.weft", trustRoots: [] };
const outbound = "default/web:80@default";
const fine: RolloutFigures = { requests: 400, failures: 0, p99Ms: 10 };

let clock: VirtualClock;
let store: Store;
let leader: string;
let replicas: Map<string, Replica>;
/** When what proxies report now began. */
let reportedMs = 0;

/** One control plane; what proxies report reaches the one that they are connected to. */
class Replica {
  readonly reports = new Map<string, RolloutFigures>();
  readonly rollouts: Rollouts;
  readonly #registry: Registry;
  readonly #statuses: StatusQueue;
  readonly #configuration: Configuration;
  readonly #core: SubscriptionCore;
  isMute = false;

  constructor(name: string) {
    this.#registry = new Registry({ store, clock, log: silentLog });
    this.#statuses = new StatusQueue({ store, clock, log: silentLog });
    const parts = { store, statuses: this.#statuses, registry: this.#registry };
    this.#configuration = new Configuration({ ...parts, ...trust, log: silentLog });
    this.#core = new SubscriptionCore(new CompiledSource(this.#configuration), clock);
    this.rollouts = new Rollouts({
      ...{ store, configuration: this.#configuration, core: this.#core, clock, ...trust, log: silentLog },
      registry: this.#registry.views,
      slotMs: 5_000,
      reportIntervalMs: () => 5_000,
      isJudge: () => leader === name,
      elsewhere: () => {
        const others = [...replicas.values()].filter((each) => each !== this);
        const reports = others.flatMap((each) => each.told() ?? []);
        return { replicas: others.length, isMixed: false, reports };
      },
      figuresOf: ({ toMs }, isIn) => {
        // All was well in the time before.
        const isPast = toMs <= reportedMs;
        const reporting = [...this.reports].filter(([workload]) => isIn(workload));
        const all = reporting.map(([, figures]) => (isPast ? fine : figures));
        return {
          requests: all.reduce((sum, { requests }) => sum + requests, 0),
          failures: all.reduce((sum, { failures }) => sum + failures, 0),
          p99Ms: Math.max(0, ...all.map(({ p99Ms }) => p99Ms)),
        };
      },
    });
    this.rollouts.onCommit(async ({ spec }) => (await store.commit(spec.objects.map(put), meta)).revision);
  }

  /** As the others read it from where it was written. */
  told(): TrialReport | undefined {
    if (this.isMute) return undefined;
    const proxies = this.#core.statuses().map(({ identity: { workload, role } }): ProxyRecord => {
      return { workload, role, identity: "", revision: 1, mesh: "" };
    });
    const told = { replica: { startMs: 0, revision: 1, version: "1" }, proxies };
    const part = decodePart(encodePart(withTrial(told, this.rollouts.report)));
    return part && trialIn([part]);
  }

  connect(name: string): AnsweringProxy {
    const [workload, namespace] = [`default/${name}`, "default"];
    const proxy = new AnsweringProxy(this.#core, { workload, namespace, name, role: "sidecar" });
    return proxy.subscribe(outbound).settle();
  }

  async close(): Promise<void> {
    await this.rollouts.close();
    this.#core.close();
    this.#configuration.close();
    this.#registry.close();
    await this.#statuses.close();
  }
}

beforeEach(async () => {
  clock = new VirtualClock();
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  await writeInitialObjects(store);
  await store.commit([service, route("base")].map(put), meta);
  leader = "a";
  replicas = new Map();
  for (const name of ["a", "b"]) replicas.set(name, new Replica(name));
});

afterEach(async () => {
  for (const replica of replicas.values()) await replica.close();
  store.close();
});

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }], clusterIP: "240.240.0.7" },
};
const route = (value: string) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "web", namespace: "default" },
  spec: {
    parentRefs: [{ group: "", kind: "Service", name: "web", port: 80 }],
    rules: [
      {
        filters: [
          { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-a", value }] } },
        ],
        backendRefs: [{ name: "web", port: 80 }],
      },
    ],
  },
});

function put(input: unknown): Write {
  const parsed = parseObject(input, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return { type: "put", object: parsed.object };
}

function at(name: string): Replica {
  const replica = replicas.get(name);
  if (replica === undefined) throw new Error(`no replica ${name}`);
  return replica;
}

function begin(by: string): Promise<string> {
  const objects = [route("tried")];
  const keys = [keyOf(Object.assign({}, store.list({ kind: "HTTPRoute" }).items[0]))];
  const changes = keys.map((key) => ({ ...key, outcome: "configured" as const }));
  const claims = { author: "ann", message: "", sourceCommit: undefined };
  return at(by).rollouts.start({ objects, keys, changes, steps: [50], watchSeconds: 60, ...claims });
}

async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 5) {
    clock.advance(5_000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

const versionOf = (proxy: AnsweringProxy): string | undefined =>
  proxy.settle().state.get(`Outbound ${outbound}`);

function statusAt(name: string): ConfigRollout["status"] {
  const [rollout] = at(name).rollouts.list();
  if (rollout === undefined) throw new Error("no rollout");
  return rollout.status;
}

const names = Array.from({ length: 8 }, (_, index) => `p${index}`);

/** Half of them at each. */
function connectAll(): Map<string, AnsweringProxy> {
  return new Map(names.map((name, index) => [name, at(index % 2 === 0 ? "a" : "b").connect(name)]));
}

function report(figures: (name: string) => RolloutFigures): void {
  reportedMs = clock.nowMs();
  for (const [index, name] of names.entries())
    at(index % 2 === 0 ? "a" : "b").reports.set(`default/${name}`, figures(name));
}

test("begun at any of them, it goes to its share of all proxies, is judged by the leader, and is one commit everywhere", async () => {
  const proxies = connectAll();
  const [base] = [...proxies.values()].map(versionOf);
  const revision = store.revision;
  report(() => fine);
  const name = await begin("b");
  await pass(10);
  const having = names.filter((each) => versionOf(proxies.get(each) ?? at("a").connect(each)) !== base);
  // The same draw against the same threshold at both.
  const byDraw = names.toSorted((a, b) => drawOf(`default/${a}`, name) - drawOf(`default/${b}`, name));
  expect(having.toSorted()).toEqual(byDraw.slice(0, 4).toSorted());
  await pass(10);
  for (const replica of ["a", "b"]) {
    expect(statusAt(replica)).toMatchObject({
      phase: "Watching",
      proxies: 4,
      canary: { requests: 1_600 },
      others: { requests: 1_600 },
    });
  }
  await pass(60);
  for (const replica of ["a", "b"])
    expect(statusAt(replica)).toMatchObject({ phase: "Promoted", revision: revision + 1 });
  expect(store.revision).toBe(revision + 1);
  expect(new Set([...proxies.values()].map(versionOf)).size).toBe(1);
});

test.each<[string, RolloutFigures, number]>([
  ["fails", { requests: 100, failures: 30, p99Ms: 10 }, 15],
  ["is slow", { requests: 400, failures: 0, p99Ms: 300 }, 25],
])("what %s at the other one's proxies goes back everywhere", async (_, bad, seconds) => {
  const proxies = new Map(["p1", "p3"].map((each) => [each, at("b").connect(each)]));
  const [base] = [...proxies.values()].map(versionOf);
  for (const each of proxies.keys()) at("b").reports.set(`default/${each}`, fine);
  const name = await begin("a");
  await pass(10);
  const [canary = ""] = [...proxies.keys()].toSorted(
    (a, b) => drawOf(`default/${a}`, name) - drawOf(`default/${b}`, name),
  );
  expect(versionOf(proxies.get(canary) ?? at("b").connect("x"))).not.toBe(base);
  at("b").reports.set(`default/${canary}`, bad);
  reportedMs = clock.nowMs();
  await pass(seconds);
  expect([statusAt("a").phase, statusAt("b").phase]).toEqual(["WentBack", "WentBack"]);
  expect([...proxies.values()].map(versionOf)).toEqual([base, base]);
});

test("a proxy of the other one that refuses it takes it back", async () => {
  const proxy = at("b").connect("p1");
  await begin("a");
  await pass(5);
  clock.advance(5_000);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  proxy.reject("no such thing");
  await pass(10);
  expect(statusAt("a")).toMatchObject({
    phase: "WentBack",
    reason: "a proxy rejected it: default/p1: no such thing",
  });
});

test("another leader goes on where the first one was; each can end it", async () => {
  connectAll();
  report(() => fine);
  const name = await begin("a");
  await pass(30);
  leader = "b";
  await pass(50);
  expect(statusAt("a").phase).toBe("Promoted");
  await store.commit([put(route("other"))], meta);
  const next = await begin("a");
  expect(next).not.toBe(name);
  await at("b").rollouts.abort(next, "ann");
  expect([statusAt("a").phase, statusAt("b").phase]).toEqual(["Aborted", "Aborted"]);
});

test("while one of them tells nothing it is not promoted", async () => {
  connectAll();
  report(() => fine);
  at("b").isMute = true;
  await begin("a");
  await pass(90);
  expect(statusAt("a").phase).toBe("Watching");
  at("b").isMute = false;
  await pass(10);
  expect(statusAt("a").phase).toBe("Promoted");
});
