/** From commits in a real store to compiled resources and written statuses. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseObject } from "../api/index.ts";
import type { CompileOutput, ResourceName } from "../compile/index.ts";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { Registry } from "../registry/index.ts";
import { openSqliteStore, type Store, type Write } from "../store/index.ts";
import { Configuration } from "./configuration.ts";
import { writeInitialObjects } from "./initial-objects.ts";
import { StatusQueue } from "./status-queue.ts";
import { publicCertificate } from "./test/public-certificate.ts";

const directory = mkdtempSync(join(tmpdir(), "weft-configuration-"));
const trust = { trustDomain: "0a1b2c3d.weft", trustRoots: [] };
const outbound: ResourceName = { kind: "Outbound", key: "default/web:80@default" };
const meta = { author: "test", message: "" };

let file = 0;
let clock = new VirtualClock();
let store: Store;
let registry: Registry;
let statuses: StatusQueue;
let configuration: Configuration;

function start(): void {
  clock = new VirtualClock();
  registry = new Registry({ store, clock, log: silentLog });
  statuses = new StatusQueue({ store, clock, log: silentLog });
  configuration = new Configuration({ store, registry, statuses, ...trust, log: silentLog });
}

function stop(): void {
  configuration.close();
  registry.close();
}

beforeEach(async () => {
  store = openSqliteStore({ path: join(directory, `${++file}.sqlite`), clock, log: silentLog });
  await writeInitialObjects(store);
  start();
});

afterEach(async () => {
  stop();
  await statuses.close();
  store.close();
  rmSync(join(directory, `${file}.sqlite`), { force: true });
});

function put(input: unknown): Write {
  const parsed = parseObject(input, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return { type: "put", object: parsed.object };
}

const service = (name: string): Write =>
  put({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  });

const httpsGateway = put({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "edge" },
  spec: {
    gatewayClassName: "weft",
    listeners: [{ name: "https", port: 443, protocol: "HTTPS", tls: { certificateRefs: [{ name: "tls" }] } }],
  },
});

const route = (value: string): Write =>
  put({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "r" },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "web" }],
      rules: [{ matches: [{ path: { value } }], backendRefs: [{ name: "web", port: 80 }] }],
    },
  });

/** What subscribers are told until a change of at least `revision` came. */
function until(revision: number): Promise<CompileOutput[]> {
  const outputs: CompileOutput[] = [];
  return new Promise((resolve) => {
    const unsubscribe = configuration.subscribe((output, at) => {
      outputs.push(output);
      if (at < revision) return;
      unsubscribe();
      resolve(outputs);
    });
  });
}

async function commit(...writes: Write[]): Promise<CompileOutput[]> {
  const told = until(store.revision + 1);
  await store.commit(writes, meta);
  return told;
}

describe("a commit", () => {
  test("is told to proxies before anything is written about it", async () => {
    const statusOf = (): unknown =>
      store.get({ kind: "HTTPRoute", namespace: "default", name: "r" })?.status?.parents[0]?.parentRef.name;
    await statuses.idle();
    let sequences: readonly number[] = [];
    const writeOperational = store.writeOperational.bind(store);
    const written: number[] = [];
    store.writeOperational = (writes) => {
      written.push(store.sequence);
      return writeOperational(writes);
    };
    const unsubscribe = configuration.subscribe(() => (sequences = [...written]));
    const { sequence } = await store.commit([service("web"), route("/a")], meta);
    await Promise.resolve();
    expect([sequences, written]).toEqual([[], []]);
    await statuses.idle();
    unsubscribe();
    expect([written, statusOf()]).toEqual([[sequence], "web"]);
  });

  test("of a service and its route is one change with its revision", async () => {
    configuration.compiler.get(outbound);
    const outputs = await commit(route("/a"), service("web"));
    expect(outputs.flatMap((output) => output.upserted.map((resource) => resource.key))).toEqual([
      outbound.key,
    ]);
    expect(configuration.revision).toBe(store.revision);
  });

  test("that changes no resource still moves the revision", async () => {
    const outputs = await commit(
      put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: {} }),
    );
    expect(outputs.flatMap((output) => output.upserted)).toEqual([]);
    expect(configuration.revision).toBe(store.revision);
  });
});

describe("status", () => {
  const storedRoute = () => store.get({ kind: "HTTPRoute", namespace: "default", name: "r" });

  test("is written once, outside of the history, and not again for itself", async () => {
    await commit(service("web"), route("/a"));
    await statuses.idle();
    const revision = store.revision;
    expect(storedRoute()?.status?.parents[0]?.conditions[0]).toMatchObject({
      type: "Accepted",
      status: "True",
      observedGeneration: storedRoute()?.metadata.generation ?? 0,
    });
    const { sequence } = store;
    await commit(put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: {} }));
    await statuses.idle();
    expect(store.revision).toBe(revision + 1);
    expect(store.sequence).toBe(sequence + 1);
  });

  test("follows what the route refers to", async () => {
    await commit(route("/a"));
    await statuses.idle();
    expect(storedRoute()?.status?.parents[0]?.conditions[0]?.status).toBe("False");
    await commit(service("web"));
    await statuses.idle();
    expect(storedRoute()?.status?.parents[0]?.conditions[0]?.status).toBe("True");
  });

  test("is not written anew after a restart", async () => {
    await commit(service("web"), route("/a"));
    await statuses.idle();
    const { sequence } = store;
    stop();
    start();
    await statuses.idle();
    expect(store.sequence).toBe(sequence);
  });
});

test("a Secret becomes a certificate, its Gateway's status says so, and a rotation is told", async () => {
  const pair = () => publicCertificate("shop.example.com");
  const secret = ({ certChainPem, privateKeyPem }: ReturnType<typeof pair>): Write =>
    put({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "tls" },
      type: "kubernetes.io/tls",
      stringData: { "tls.crt": certChainPem, "tls.key": privateKeyPem },
    });
  const certificate: ResourceName = { kind: "Certificate", key: "default/tls" };
  configuration.compiler.get(certificate);
  await commit(secret(pair()), httpsGateway);
  await statuses.idle();
  const listener = store.get({ kind: "Gateway", namespace: "default", name: "edge" })?.status?.listeners?.[0];
  expect(listener?.conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
    "Accepted=True",
    "Conflicted=False",
    "ResolvedRefs=True",
    "Programmed=True",
  ]);
  const before = configuration.compiler.get(certificate)?.version;
  const outputs = await commit(secret(pair()));
  const changed = outputs.flatMap((output) => output.upserted.map(({ kind, key }) => ({ kind, key })));
  expect(changed).toEqual([certificate]);
  expect(configuration.compiler.get(certificate)?.version).not.toBe(before ?? "");
});

test("what gateways say of their machines decides which addresses are usable", async () => {
  await commit(
    put({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "edge" },
      spec: {
        gatewayClassName: "weft",
        addresses: [{ value: "10.0.0.1" }, { value: "10.0.0.2" }],
        listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
      },
    }),
  );
  const programmed = (): string => {
    const status = configuration.compiler.statuses().find(({ kind }) => kind === "Gateway")?.status;
    const conditions = status?.kind === "gateway" ? status.conditions : [];
    return conditions.find(({ type }) => type === "Programmed")?.reason ?? "";
  };
  expect(programmed()).toBe("Programmed");
  configuration.setGatewayAddresses(["10.0.0.1"]);
  expect(programmed()).toBe("AddressNotUsable");
  configuration.setGatewayAddresses(["10.0.0.1", "10.0.0.2"]);
  expect(programmed()).toBe("Programmed");
  configuration.setGatewayAddresses(["10.0.0.1"]);
  configuration.setGatewayAddresses(undefined);
  expect(programmed()).toBe("Programmed");
});

test("a restart compiles what was there, to the same versions", async () => {
  await commit(service("web"), route("/a"));
  const version = configuration.compiler.get(outbound)?.version;
  stop();
  start();
  expect(configuration.compiler.get(outbound)?.version).toBe(version ?? "");
  expect(configuration.revision).toBe(store.revision);
});

test("initial objects are written once and stay deleted", async () => {
  const key = { kind: "GatewayClass", namespace: "", name: "weft" } as const;
  expect(store.get(key)?.spec.controllerName).toBe("weft.dev/gateway-controller");
  await store.commit([{ type: "delete", key }], meta);
  await writeInitialObjects(store);
  expect(store.get(key)).toBeUndefined();
});
