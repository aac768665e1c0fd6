/** A configuration on trial over a real store, compiler and subscription core; time and what proxies report are the test's. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type ConfigRollout, keyOf, parseObject, type RolloutFigures } from "../../api/index.ts";
import { SubscriptionCore } from "../../distribute/index.ts";
import { silentLog, VirtualClock, WeftError } from "../../kernel/index.ts";
import { Registry } from "../../registry/index.ts";
import { openSqliteStore, type Store, type Write } from "../../store/index.ts";
import { CompiledSource } from "../compiled-source.ts";
import { Configuration } from "../configuration.ts";
import { writeInitialObjects } from "../initial-objects.ts";
import { StatusQueue } from "../status-queue.ts";
import { AnsweringProxy } from "../test/answering-proxy.ts";
import { drawOf } from "./draw.ts";
import { Rollouts } from "./rollouts.ts";

const meta = { author: "test", message: "" };
const outbound = "default/web:80@default";

const fine: RolloutFigures = { requests: 400, failures: 0, p99Ms: 10 };

let clock: VirtualClock;
let store: Store;
let registry: Registry;
let statuses: StatusQueue;
let configuration: Configuration;
let core: SubscriptionCore;
let isMixed = false;
let rollouts: Rollouts;
let commits: string[];
/** What each proxy reports of a step, and of the time before it. */
let reports: Map<string, RolloutFigures>;
let earlier: Map<string, RolloutFigures>;
/** When what they report now began. */
let reportedMs = 0;

function start(): void {
  registry = new Registry({ store, clock, log: silentLog });
  statuses = new StatusQueue({ store, clock, log: silentLog });
  const trust = { trustDomain: "0a1b2c3d.weft", trustRoots: [] };
  configuration = new Configuration({ store, registry, statuses, ...trust, log: silentLog });
  core = new SubscriptionCore(new CompiledSource(configuration), clock);
  isMixed = false;
  rollouts = new Rollouts({
    ...{ store, configuration, core, clock, ...trust, registry: registry.views, log: silentLog },
    slotMs: 5_000,
    reportIntervalMs: () => 5_000,
    elsewhere: () => ({ replicas: 0, isMixed, reports: [] }),
    figuresOf: ({ toMs }, isIn) => {
      const told = toMs <= reportedMs ? earlier : reports;
      const all = [...told].filter(([workload]) => isIn(workload)).map(([, figures]) => figures);
      return {
        requests: all.reduce((sum, { requests }) => sum + requests, 0),
        failures: all.reduce((sum, { failures }) => sum + failures, 0),
        p99Ms: Math.max(0, ...all.map(({ p99Ms }) => p99Ms)),
      };
    },
  });
  rollouts.onCommit(async (rollout) => {
    commits.push(rollout.metadata.name);
    const writes = rollout.spec.objects.map(put);
    return (await store.commit(writes, { author: rollout.spec.author, message: rollout.spec.message }))
      .revision;
  });
}

async function stop(): Promise<void> {
  await rollouts.close();
  core.close();
  configuration.close();
  registry.close();
  await statuses.close();
}

beforeEach(async () => {
  clock = new VirtualClock();
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  [commits, reports, earlier] = [[], new Map(), new Map()];
  await writeInitialObjects(store);
  await store.commit([put(service), put(route("base"))], meta);
  start();
});

afterEach(async () => {
  await stop();
  store.close();
});

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }], clusterIP: "240.240.0.7" },
};
const route = (value: string, name = "web") => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name, namespace: "default" },
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

function begin(
  objects: readonly object[] = [route("tried")],
  steps: readonly number[] = [10],
): Promise<string> {
  const keys = objects.map((object) => {
    const write = put(object);
    if (write.type !== "put") throw new Error("no put");
    return keyOf(write.object);
  });
  const changes = keys.map((key) => ({ ...key, outcome: "configured" as const }));
  const claims = { author: "ann", message: "try it", sourceCommit: undefined };
  return rollouts.start({ objects, keys, changes, steps, watchSeconds: 60, ...claims });
}

/** Proxies acknowledge what they are sent until they are told otherwise. */
function connect(name: string): AnsweringProxy {
  const [workload, namespace] = [`default/${name}`, "default"];
  const proxy = new AnsweringProxy(core, { workload, namespace, name, role: "sidecar" });
  proxy.subscribe(outbound).settle();
  return proxy;
}

const names = Array.from({ length: 10 }, (_, index) => `p${index}`);
const versionOf = (proxy: AnsweringProxy): string | undefined =>
  proxy.settle().state.get(`Outbound ${outbound}`);
/** The one with the lowest draw has it, whatever the share. */
const lowest = (rollout: string, among: readonly string[] = names): string =>
  among.toSorted((a, b) => drawOf(`default/${a}`, rollout) - drawOf(`default/${b}`, rollout))[0] ?? "";

async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 5) {
    clock.advance(5_000);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

function report(proxies: readonly string[], figures: RolloutFigures, to = reports): void {
  reportedMs = clock.nowMs();
  for (const name of proxies) to.set(`default/${name}`, figures);
}

function only(): ConfigRollout {
  const [rollout] = rollouts.list();
  if (rollout === undefined) throw new Error("no rollout");
  return rollout;
}

describe("a configuration on trial", () => {
  test("goes to a share of the proxies, is watched, and becomes one commit", async () => {
    const proxies = new Map(names.map((name) => [name, connect(name)]));
    const reader = connect("reader");
    const base = versionOf(reader);
    const revision = store.revision;
    const name = await begin();
    const having = names.filter((each) => versionOf(proxies.get(each) ?? connect(each)) !== base);
    expect(having).toEqual(names.filter((each) => drawOf(`default/${each}`, name) < only().status.threshold));
    const first = lowest(name, [...names, "reader"]);
    expect([...having, ...(versionOf(reader) === base ? [] : ["reader"])]).toContain(first);
    expect(store.revision).toBe(revision);
    report([...names, "reader"], fine);
    await pass(55);
    expect([only().status.phase, commits]).toEqual(["Watching", []]);
    await pass(10);
    expect(only().status).toMatchObject({ phase: "Promoted", revision: revision + 1 });
    expect((await store.history(1))[0]).toMatchObject({ author: "ann", message: "try it" });
    const versions = new Set(names.map((each) => versionOf(proxies.get(each) ?? connect(each))));
    versions.add(versionOf(reader));
    expect([versions.size, versions.has(base)]).toEqual([1, false]);
    expect(core.statuses().every(({ isOnTrial, revision: at }) => !isOnTrial && at === revision + 1)).toBe(
      true,
    );
  });

  test.each<[string, RolloutFigures, string, number]>([
    ["that fails", { requests: 100, failures: 30, p99Ms: 10 }, "30.0 % of 100 requests failed", 10],
    ["that is slow", { requests: 400, failures: 0, p99Ms: 300 }, "p99 is 300 ms", 25],
  ])("%s goes back by itself, long before its time, and leaves no revision", async (...row) => {
    const [, bad, reason, seconds] = row;
    const [a, b] = [connect("p0"), connect("p1")];
    const base = [versionOf(a), versionOf(b)];
    const revision = store.revision;
    const canary = lowest(await begin(), ["p0", "p1"]);
    report(["p0", "p1"], fine);
    report([canary], bad);
    await pass(seconds);
    expect(only().status).toMatchObject({ phase: "WentBack", reason: expect.stringContaining(reason) });
    expect([versionOf(a), versionOf(b), store.revision, commits]).toEqual([...base, revision, []]);
    expect(only().spec.objects).toEqual([]);
  });

  test("of which too little is seen waits, and then goes back", async () => {
    connect("p0");
    await begin();
    report(["p0"], { ...fine, requests: 20 });
    await pass(170);
    expect(only().status.phase).toBe("Watching");
    await pass(15);
    expect(only().status).toMatchObject({
      phase: "WentBack",
      reason: expect.stringContaining("20 requests of the 50"),
    });
  });

  test("goes on step by step", async () => {
    const proxies = names.map(connect);
    const base = versionOf(proxies[0] ?? connect("x"));
    await begin([route("tried")], [10, 60]);
    report(names, fine);
    const having = (): number => proxies.filter((proxy) => versionOf(proxy) !== base).length;
    const first = having();
    await pass(65);
    expect(only().status).toMatchObject({ phase: "Watching", step: 1 });
    expect(having()).toBeGreaterThan(first);
    await pass(65);
    expect(only().status.phase).toBe("Promoted");
  });

  test("that a proxy rejects goes back at once", async () => {
    const proxy = connect("p0");
    const base = versionOf(proxy);
    await begin();
    report(["p0"], fine);
    proxy.reject("no such thing");
    await pass(5);
    expect(only().status).toMatchObject({
      phase: "WentBack",
      reason: "a proxy rejected it: default/p0: no such thing",
    });
    expect(versionOf(proxy)).toBe(base);
  });

  test("survives a restart in the middle, and its step begins again", async () => {
    const before = connect("p0");
    const base = versionOf(before);
    await begin();
    report(["p0"], fine);
    await pass(40);
    await stop();
    start();
    const proxy = connect("p0");
    expect(versionOf(proxy)).not.toBe(base);
    await pass(55);
    expect(only().status.phase).toBe("Watching");
    await pass(10);
    expect(only().status.phase).toBe("Promoted");
  });

  test("has proxies that join and leave while it lasts", async () => {
    const first = connect("p0");
    const base = versionOf(first);
    const name = await begin();
    report(names, fine);
    const draw = (each: string): number => drawOf(`default/${each}`, name);
    const late = names.slice(1).map((each) => [each, connect(each)] as const);
    for (const [each, proxy] of late)
      expect(versionOf(proxy) !== base).toBe(draw(each) < only().status.threshold);
    // Those that have it leave: others are chosen, and the step begins again.
    for (const [each, proxy] of [["p0", first] as const, ...late]) {
      if (draw(each) < only().status.threshold) core.closeSubscriber(proxy.subscriber);
    }
    await pass(10);
    expect(late.filter(([, proxy]) => versionOf(proxy) !== base).length).toBeGreaterThan(0);
    expect(only().status.proxies).toBeGreaterThan(0);
    await pass(70);
    expect(only().status.phase).toBe("Promoted");
  });

  test("follows what is committed beside it, and keeps no proxy from its revision", async () => {
    const proxy = connect("p0");
    await begin();
    const tried = versionOf(proxy);
    const { revision } = await store.commit([put(route("more", "other"))], meta);
    await pass(5);
    expect(versionOf(proxy)).not.toBe(tried);
    expect(core.statuses()[0]?.revision).toBe(revision);
  });

  test("stops where its objects were changed under it, and says so", async () => {
    const proxy = connect("p0");
    await begin();
    report(["p0"], fine);
    await store.commit([put(route("by another"))], meta);
    await pass(65);
    expect(only().status).toMatchObject({ phase: "Stopped", reason: "HTTPRoute web was changed meanwhile" });
    expect(commits).toEqual([]);
    const other = connect("p1");
    expect(versionOf(proxy)).toBe(versionOf(other) ?? "");
  });

  test("is promoted or aborted by hand, once", async () => {
    connect("p0");
    const name = await begin();
    await rollouts.abort(name, "ann");
    expect(only().status).toMatchObject({ phase: "Aborted", reason: "aborted by ann" });
    const next = await begin();
    expect(next).toBe("canary-2");
    expect(await rollouts.promote(next)).toBe(store.revision);
    const again = await rollouts.promote(next).catch((error: unknown) => error);
    expect(again instanceof WeftError && again.code).toBe("not_found");
  });

  test("is the only one, and none of what would be quarantined", async () => {
    connect("p0");
    const broken = {
      ...route("x"),
      spec: {
        ...route("x").spec,
        rules: [{ matches: [{ path: { type: "RegularExpression", value: "(" } }] }],
      },
    };
    const refused = await begin([broken]).catch((error: unknown) => error);
    expect(refused instanceof WeftError && [refused.code, refused.issues.length]).toEqual(["bad_input", 1]);
    await begin();
    const second = await begin().catch((error: unknown) => error);
    expect(second instanceof WeftError && second.code).toBe("conflict");
  });

  test("is refused by control planes of different versions", async () => {
    connect("p0");
    isMixed = true;
    const refused = await begin().catch((error: unknown) => error);
    expect(refused instanceof WeftError && [refused.code, refused.message]).toEqual([
      "conflict",
      expect.stringContaining("of different versions"),
    ]);
    expect(store.list({ kind: "ConfigRollout" }).items).toEqual([]);
  });

  test("that concerns nobody is seen by nobody and goes back", async () => {
    await begin();
    await pass(185);
    expect(only().status).toMatchObject({ phase: "WentBack", proxies: 0 });
  });
});
