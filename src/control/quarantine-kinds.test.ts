/** For each kind that is compiled: one object of it that cannot be used leaves all others in force, says so itself, and heals. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type KindName, keyOf, parseObject } from "../api/index.ts";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { Registry } from "../registry/index.ts";
import { openSqliteStore, type Store, type Write } from "../store/index.ts";
import { compiledKinds, Configuration } from "./configuration.ts";
import { writeInitialObjects } from "./initial-objects.ts";
import { StatusQueue } from "./status-queue.ts";
import { baseObjects, bystanders, quarantineCases, referrers } from "./test/quarantine-cases.ts";

const clock = new VirtualClock();
const meta = { author: "test", message: "" };
const trust = { trustDomain: "0a1b2c3d.weft", trustRoots: [] };

let store: Store;
let registry: Registry;
let statuses: StatusQueue;
let configuration: Configuration;

beforeEach(async () => {
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  await writeInitialObjects(store);
  open();
  await commit(...baseObjects, ...bystanders("0"));
});

afterEach(close);

function open(): void {
  registry = new Registry({ store, clock, log: silentLog });
  statuses = new StatusQueue({ store, clock, log: silentLog });
  configuration = new Configuration({ store, registry, statuses, ...trust, log: silentLog });
}

async function stop(): Promise<void> {
  configuration.close();
  registry.close();
  await statuses.close();
}

async function close(): Promise<void> {
  await stop();
  store.close();
}

function put(input: object): Write {
  const parsed = parseObject(input, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return { type: "put", object: parsed.object };
}

async function commit(...objects: readonly object[]): Promise<void> {
  await store.commit(objects.map(put), meta);
  await Promise.resolve();
  await statuses.idle();
}

/** Of what it says that does not hold, "Type Reason: message". */
function problemsOf(kind: KindName, name: string): string[] {
  const namespace = ["MeshConfig", "GatewayClass"].includes(kind) ? "" : "default";
  const fields = new Map<string, unknown>(Object.entries(store.get({ kind, namespace, name }) ?? {}));
  const found = conditionsIn(fields.get("status"));
  if (found.length === 0) throw new Error(`${kind} ${name} says nothing`);
  return found.filter((each) => each.startsWith("False ")).map((each) => each.slice("False ".length));
}

function conditionsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const fields = new Map<string, unknown>(Object.entries(value));
  const type = String(fields.get("type"));
  if (fields.has("reason") && ["Accepted", "ResolvedRefs", "Programmed"].includes(type))
    return [
      `${String(fields.get("status"))} ${type} ${String(fields.get("reason"))}: ${String(fields.get("message"))}`,
    ];
  return [...fields.values()].flatMap(conditionsIn);
}

const seen = [
  { kind: "Outbound", key: "default/web:80@default" },
  { kind: "Gateway", key: "default/edge" },
] as const;

function versions(): (string | undefined)[] {
  return seen.map((name) => configuration.compiler.get(name)?.version);
}

function nameOf(input: object): string {
  const parsed = put(input);
  return parsed.type === "put" ? keyOf(parsed.object).name : "";
}

function keyOfInput(input: object) {
  const parsed = put(input);
  if (parsed.type !== "put") throw new Error("no object");
  return keyOf(parsed.object);
}

const kindsOfCases = Object.entries(quarantineCases).map(([kind, each]) => ({ kind, ...each }));

test.each(kindsOfCases)(
  "$kind: one that cannot be used",
  async ({ kind, good, bad, says, asks, isQuarantined }) => {
    const [askedKind, name] = asks ?? [keyOfInput(good).kind, nameOf(good)];
    if (asks !== undefined) await commit(...referrers);
    await commit(good);
    expect(problemsOf(askedKind, name)).toEqual([]);
    const before = versions();

    await commit(bad, ...bystanders("1"));
    const during = versions();
    // Everything else of the commit is in force.
    expect(during.every((version, index) => version !== undefined && version !== before[index])).toBe(true);
    expect([kind, problemsOf("HTTPRoute", "fine-mesh"), problemsOf("HTTPRoute", "fine-edge")]).toEqual([
      kind,
      [],
      [],
    ]);
    expect(problemsOf(askedKind, name).some((problem) => problem.startsWith(says))).toBe(true);
    expect(configuration.compiler.isQuarantined(keyOfInput(bad))).toBe(isQuarantined);

    await commit(...bystanders("2"));
    expect(versions().every((version, index) => version !== during[index])).toBe(true);

    await commit(good);
    expect(problemsOf(askedKind, name)).toEqual([]);
    expect(configuration.compiler.isQuarantined(keyOfInput(good))).toBe(false);
  },
);

const lastGood = kindsOfCases.filter(({ isQuarantined }) => isQuarantined);

test.each(lastGood)("$kind: its last good version is in force also after a start", async ({ good, bad }) => {
  const wanted = [
    ...seen,
    { kind: "Outbound", key: "default/web:81@default" },
    { kind: "Cluster", key: "default/web:80" },
    { kind: "Inbound", key: "default/web-1" },
    { kind: "Mesh", key: "mesh" },
  ] as const;
  const all = () => wanted.map((resource) => configuration.compiler.get(resource)?.version);
  const without = all();
  await commit(good);
  const withGood = all();
  expect(withGood).not.toEqual(without);
  await commit(bad);
  expect(all()).toEqual(withGood);
  expect(configuration.compiler.inForce(keyOfInput(bad))?.metadata.generation).toBeDefined();
  await stop();
  open();
  await configuration.recover();
  expect(all()).toEqual(withGood);
  expect(configuration.compiler.isQuarantined(keyOfInput(bad))).toBe(true);
  await commit(good);
  expect([all(), configuration.compiler.isQuarantined(keyOfInput(bad))]).toEqual([withGood, false]);
});

test("every kind that is compiled has its case, but for those that nothing is said of", () => {
  const silent: readonly KindName[] = ["Namespace", "ReferenceGrant"];
  expect(new Set([...kindsOfCases.map(({ kind }) => kind), ...silent])).toEqual(
    new Set<string>(compiledKinds),
  );
});
