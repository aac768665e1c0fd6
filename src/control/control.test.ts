/** The whole control plane in this process: joined with a token, subscribed over TLS, configured through the API. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import {
  decodeMessage,
  findingListSchema,
  serviceSummariesSchema,
  serviceViewSchema,
  signalsSchema,
  topologySchema,
} from "../api/index.ts";
import type { GrpcClient } from "../grpc/index.ts";
import { createLog, silentLog } from "../kernel/index.ts";
import { EndpointSchema, InboundSchema, MeshSchema, OutboundSchema } from "../model/index.ts";
import type { TlsIdentity } from "../net/index.ts";
import { Certificates, Direction, Telemetry, Workloads } from "../wire/index.ts";
import { startControl } from "./control.ts";
import type { RunningControl } from "./control-options.ts";
import { clientOf, join, TestProxy } from "./test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
let dataDir = "";
let control: RunningControl;
let web: TlsIdentity;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(joinPath(tmpdir(), "weft-control-"));
  control = await startControl({ dataDir, api: loopback, ads: loopback, log: silentLog, version: "test" });
  await apply(
    serviceAccount("web"),
    serviceAccount("reviews"),
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } },
    service("reviews"),
    service("reviews-v2"),
  );
  web = await join(control, "default/web-1", await joinToken("web"));
});

afterAll(async () => {
  for (const client of clients) client.close();
  await control.drain();
  rmSync(dataDir, { recursive: true, force: true });
});

async function api(path: string, body?: unknown): Promise<unknown> {
  const token = readFileSync(control.tokenFile, "utf8").trim();
  const response = await fetch(`${control.apiUrl}${path}`, {
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

async function apply(...objects: object[]): Promise<number> {
  const answer = await api("/apis/weft.dev/v1alpha1/transactions", { message: "test", objects });
  return numberAt(answer, "revision");
}

function numberAt(value: unknown, key: string): number {
  const found = new Map<string, unknown>(Object.entries(value ?? {})).get(key);
  if (typeof found !== "number") throw new Error(`no ${key} in ${JSON.stringify(value)}`);
  return found;
}

async function joinToken(serviceAccountName: string, namespace = "default"): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccountName}/token`;
  const text = JSON.stringify(await api(path, { spec: { audiences: ["weft-join"], expirationSeconds: 60 } }));
  return /"token":"(?<token>[^"]+)"/.exec(text)?.groups?.["token"] ?? "";
}

const serviceAccount = (name: string) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: "http", port: 9080 }] },
});
const route = (weight: number) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "split" },
  spec: {
    parentRefs: [{ group: "", kind: "Service", name: "reviews" }],
    rules: [
      {
        backendRefs: [
          { name: "reviews", port: 9080, weight },
          { name: "reviews-v2", port: 9080, weight: 100 - weight },
        ],
      },
    ],
  },
});

function client(identity?: TlsIdentity): GrpcClient {
  const made = clientOf(control, identity);
  clients.push(made);
  return made;
}

interface ProxyRow {
  readonly id: string;
  readonly connected: boolean;
  readonly revision: number;
  readonly identity: string;
}

async function proxyRow(id: string): Promise<ProxyRow | undefined> {
  const status = new Map<string, unknown>(
    Object.entries((await api("/apis/weft.dev/v1alpha1/status")) ?? {}),
  );
  const proxies = status.get("proxies");
  const isRow = (row: unknown): row is ProxyRow =>
    typeof row === "object" && row !== null && "revision" in row;
  return Array.isArray(proxies) ? proxies.filter(isRow).find((row) => row.id === id) : undefined;
}

const outbound = "default/reviews:9080@default";

function outboundOf(proxy: TestProxy) {
  const bytes = proxy.resources.get(`Outbound ${outbound}`);
  return bytes === undefined ? undefined : fromBinary(OutboundSchema, bytes);
}

const weightOf = (proxy: TestProxy): number | undefined =>
  outboundOf(proxy)?.http?.rules[0]?.backends[0]?.weight;

describe("files", () => {
  test("secrets are for the owner only, the root is for everybody", () => {
    expect(statSync(joinPath(dataDir, "token")).mode & 0o777).toBe(0o600);
    expect(statSync(joinPath(dataDir, "root.pem")).mode & 0o777).toBe(0o644);
    expect(readFileSync(joinPath(dataDir, "root.pem"), "utf8")).toBe(control.trustRootsPem);
  });

  test("the trust domain is made once", () => {
    expect(control.trustDomain).toMatch(/^[0-9a-f]{8}\.weft$/);
  });

  test("a second control plane on the same directory is refused before it listens", async () => {
    // SQLite's lock is the process's own, so the second one is another process.
    const module = new URL("./index.ts", import.meta.url).pathname;
    const script = `
      import { startControl } from ${JSON.stringify(module)};
      const log = { debug() {}, info() {}, warn() {}, error() {}, ready() {}, with() { return log; } };
      const listen = { address: "127.0.0.1", port: 0 };
      try { await startControl({ dataDir: ${JSON.stringify(dataDir)}, api: listen, ads: listen, log }); console.log("started"); }
      catch (error) { console.log(error.message); }
      process.exit(0);`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
    expect(await new Response(child.stdout).text()).toContain("another control plane");
  });
});

describe("discovery", () => {
  test("what a proxy subscribes to comes with its closure, and a route's change after it", async () => {
    const proxy = new TestProxy(client(web), "default/web-1");
    proxy.subscribe("Outbound", outbound);
    proxy.subscribe("Name", "reviews.default.svc.cluster.local");
    await proxy.until(() => proxy.resources.has(`Outbound ${outbound}`) && proxy.resources.size >= 4);
    expect([...proxy.resources.keys()].toSorted()).toEqual([
      "Cluster default/reviews:9080",
      "Mesh mesh",
      "Name reviews.default.svc.cluster.local",
      `Outbound ${outbound}`,
    ]);
    const mesh = fromBinary(MeshSchema, proxy.resources.get("Mesh mesh") ?? new Uint8Array());
    expect(mesh.trustDomain).toBe(control.trustDomain);
    expect(mesh.trustRoots.length).toBe(1);

    const revision = await apply(route(90));
    await proxy.until(() => proxy.commits.at(-1) === revision);
    expect(weightOf(proxy)).toBe(90);
    expect(proxy.resources.has("Cluster default/reviews-v2:9080")).toBe(true);
    proxy.close();
  });

  test("a proxy is at a revision once it has acknowledged it, and not before", async () => {
    const proxy = new TestProxy(client(web), "default/web-1");
    proxy.subscribe("Outbound", outbound);
    const first = await apply(route(10));
    await proxy.until(() => weightOf(proxy) === 10);
    proxy.isHoldingAnswers = true;
    const second = await apply(route(20));
    await proxy.until(() => weightOf(proxy) === 20);
    expect(await proxyRow("default/web-1")).toMatchObject({
      connected: true,
      identity: `spiffe://${control.trustDomain}/ns/default/sa/web`,
      revision: first,
    });
    proxy.acknowledge();
    // A commit that concerns nothing of this proxy comes after the acknowledgement on the same stream of events.
    let row = await proxyRow("default/web-1");
    for (let i = 0; i < 200 && row?.revision !== second; i++) row = await proxyRow("default/web-1");
    expect(row?.revision).toBe(second);
    const third = await apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "unrelated" },
      data: {},
    });
    expect((await proxyRow("default/web-1"))?.revision).toBe(third);
    proxy.close();
  });

  test("a workload that registers becomes an endpoint, with the identity it proved", async () => {
    const proxy = new TestProxy(client(web), "default/web-1");
    proxy.subscribe("Outbound", outbound);
    const identity = await join(control, "default/reviews-1", await joinToken("reviews"));
    const reviews = client(identity);
    const own = new TestProxy(reviews, "default/reviews-1");
    await reviews.unary(Workloads.method.register, {
      namespace: "default",
      name: "reviews-1",
      serviceAccount: "reviews",
      labels: { app: "reviews" },
      addresses: ["10.77.0.5"],
      ports: [{ port: 9080, name: "http", protocol: "http" }],
    });
    const key = "Endpoint default/reviews:9080/default/reviews-1";
    await proxy.until(() => proxy.resources.has(key));
    const endpoint = fromBinary(EndpointSchema, proxy.resources.get(key) ?? new Uint8Array());
    expect(endpoint).toMatchObject({
      address: "10.77.0.5",
      identity: `spiffe://${control.trustDomain}/ns/default/sa/reviews`,
      tunnelPort: 15_008,
    });
    await own.until(() => own.resources.has("Inbound default/reviews-1"));
    const inbound = fromBinary(
      InboundSchema,
      own.resources.get("Inbound default/reviews-1") ?? new Uint8Array(),
    );
    expect(inbound.ports.map((port) => port.services)).toEqual([["default/reviews"]]);

    await reviews.unary(Workloads.method.leave, { namespace: "default", name: "reviews-1" });
    await proxy.until(() => !proxy.resources.has(key));
    own.close();
    proxy.close();
  });
});

describe("doors", () => {
  test("a proxy may not speak for a workload of another namespace", async () => {
    const proxy = new TestProxy(client(web), "other/web-1");
    await proxy.until(() => false);
    expect(proxy.closed).toBe("permission_denied");
  });

  test("discovery without a certificate is refused", async () => {
    const proxy = new TestProxy(client(), "default/web-1");
    await proxy.until(() => false);
    expect(proxy.closed).toBe("unauthenticated");
  });

  test.each([
    ["registration", () => client().unary(Workloads.method.register, { namespace: "default", name: "x" })],
    ["leaving", () => client().unary(Workloads.method.leave, { namespace: "default", name: "x" })],
    ["telemetry", () => client().unary(Telemetry.method.report, {})],
    [
      "a certificate without a token",
      () => client().unary(Certificates.method.issue, { workload: "default/x" }),
    ],
  ])("%s without a certificate is refused", async (_, call) => {
    expect(await call().catch((error: unknown) => error)).toBeInstanceOf(Error);
  });

  test("a workload of another service account is not registered", async () => {
    const call = client(web).unary(Workloads.method.register, {
      namespace: "default",
      name: "reviews-7",
      serviceAccount: "reviews",
      addresses: ["10.77.0.9"],
    });
    expect(await call.catch((error: unknown) => String(error))).toContain("cannot register");
  });

  test("another mesh's certificate does not get past the handshake", async () => {
    const directory = mkdtempSync(joinPath(tmpdir(), "weft-foreign-"));
    const foreign = await startControl({ dataDir: directory, api: loopback, ads: loopback, log: silentLog });
    const token = await foreignToken(foreign);
    const identity = await join(foreign, "default/web-1", token);
    const proxy = new TestProxy(client(identity), "default/web-1");
    await proxy.until(() => false);
    expect(proxy.closed).toBe("unavailable");
    await foreign.drain();
    rmSync(directory, { recursive: true, force: true });
  });
});

async function foreignToken(foreign: RunningControl): Promise<string> {
  const response = await fetch(`${foreign.apiUrl}/api/v1/namespaces/default/serviceaccounts/default/token`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${readFileSync(foreign.tokenFile, "utf8").trim()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ spec: {} }),
  });
  return /"token":"(?<token>[^"]+)"/.exec(await response.text())?.groups?.["token"] ?? "";
}

function schemaErrors(value: unknown): unknown[] {
  const decoded = decodeMessage(topologySchema, value, "response");
  return "issues" in decoded ? [...decoded.issues] : [];
}

test("what proxies report is seen in the topology", async () => {
  const identity = `spiffe://${control.trustDomain}/ns/default/sa/web`;
  const ack = await client(web).unary(Telemetry.method.report, {
    proxy: "default/web-1",
    edges: [
      {
        direction: Direction.OUTBOUND,
        sourceWorkload: "default/web-1",
        sourceIdentity: identity,
        destinationWorkload: "default/reviews-1",
        destinationService: "default/reviews",
        destinationPort: 9080,
        protocol: "http",
        responseClass: "2xx",
        mtls: true,
        count: 12n,
      },
    ],
  });
  expect(ack.intervalMs).toBe(5_000);
  const topology = await api("/apis/weft.dev/v1alpha1/topology?window=60");
  expect(schemaErrors(topology)).toEqual([]);
  expect(topology).toMatchObject({ edges: [{ service: "default/reviews", count: 12 }] });
});

test("services, signals and findings are documents of their schemas", async () => {
  const now = Date.now();
  const paths = {
    "topology?by=service&focus=default/reviews&window=60": topologySchema,
    "signals?service=default/reviews&by=source": signalsSchema,
    signals: signalsSchema,
    [`signals?workload=default/web-1&direction=outbound&fromMs=${now - 60_000}&stepMs=10000`]: signalsSchema,
    "services?window=60&namespace=default": serviceSummariesSchema,
    "serviceviews/default/reviews?window=60": serviceViewSchema,
    "findings?namespace=default": findingListSchema,
  };
  for (const [path, schema] of Object.entries(paths)) {
    const decoded = decodeMessage(schema, await api(`/apis/weft.dev/v1alpha1/${path}`), "response");
    expect([path, decoded]).toEqual([path, { object: expect.anything() }]);
  }
  expect(await api("/apis/weft.dev/v1alpha1/signals?service=default/reviews&by=source")).toMatchObject({
    groups: [{ key: "default/web-1", totals: { count: 12 } }],
  });
  expect(await api("/apis/weft.dev/v1alpha1/signals")).toMatchObject({
    groups: [{ key: "all", totals: { count: 12 } }],
  });
  expect(await api("/apis/weft.dev/v1alpha1/serviceviews/default/reviews?window=60")).toMatchObject({
    service: { name: "reviews", requestsPerSecond: expect.any(Number) },
    callers: [{ count: 12 }],
  });
});

test("says that it is ready, and where", async () => {
  const directory = mkdtempSync(joinPath(tmpdir(), "weft-ready-"));
  const lines: string[] = [];
  const log = createLog({ format: "json", level: "error", write: (line) => void lines.push(line) });
  const other = await startControl({ dataDir: directory, api: loopback, ads: loopback, log });
  await other.drain();
  rmSync(directory, { recursive: true, force: true });
  const ready = lines.filter((line) => line.includes('"event":"ready"'));
  expect(ready).toHaveLength(1);
  expect(ready[0]).toContain(`"ads":"127.0.0.1:${other.ads.port}"`);
});

test("a port in use ends the start and leaves nothing open", async () => {
  const directory = mkdtempSync(joinPath(tmpdir(), "weft-port-"));
  const options = { dataDir: directory, ads: loopback, log: silentLog };
  const taken = { address: "127.0.0.1", port: control.apiPort ?? 0 };
  const failure = await startControl({ ...options, api: taken }).catch((error: unknown) => error);
  expect(String(failure)).toContain("in use");
  const other = await startControl({ ...options, api: loopback });
  await other.drain();
  rmSync(directory, { recursive: true, force: true });
});

test("a restart keeps trust, tokens and objects", async () => {
  const directory = mkdtempSync(joinPath(tmpdir(), "weft-restart-"));
  const options = { dataDir: directory, api: loopback, ads: loopback, log: silentLog };
  const first = await startControl(options);
  const token = await foreignToken(first);
  await first.drain();
  const second = await startControl(options);
  expect(second.trustDomain).toBe(first.trustDomain);
  expect(second.trustRootsPem).toBe(first.trustRootsPem);
  expect((await join(second, "default/late", token)).certChainPem).toContain("BEGIN CERTIFICATE");
  await second.drain();
  rmSync(directory, { recursive: true, force: true });
});
