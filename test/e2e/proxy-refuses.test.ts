/** A proxy cannot use a resource: it keeps what it had of it, everything else advances, and whoever looks is told which, why and whose. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { MeshStatus } from "../../src/api/index.ts";
import { Output } from "../../src/cli/output.ts";
import { waitForRevision } from "../../src/cli/wait-for-revision.ts";
import { ApiClient } from "../../src/client/index.ts";
import type { GrpcClient } from "../../src/grpc/index.ts";
import { silentLog } from "../../src/kernel/index.ts";
import { type RunningControl, startControl } from "../../src/control/index.ts";
import { clientOf, join, TestProxy } from "../../src/control/test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
const reviews = "Outbound default/reviews:80@default";
const cart = "Outbound default/cart:80@default";
/** Nothing here takes that long but a defect. */
const longMs = 60_000;

let dataDir = "";
let control: RunningControl;
let api: ApiClient;
let old: TestProxy;
let other: TestProxy;
let clients: GrpcClient[] = [];

beforeEach(async () => {
  dataDir = mkdtempSync(joinPath(tmpdir(), "weft-refused-"));
  control = await startControl({ dataDir, api: loopback, ads: loopback, log: silentLog, version: "test" });
  api = new ApiClient({ server: control.apiUrl, token: readFileSync(control.tokenFile, "utf8").trim() });
  await apply(
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web" } },
    ...["reviews", "cart"].flatMap((name) => [service(name), route(name, "0")]),
  );
  [old, other] = [await connect("default/old"), await connect("default/other")];
});

afterEach(async () => {
  for (const proxy of [old, other]) proxy.close();
  for (const client of clients) client.close();
  clients = [];
  await control.drain();
  rmSync(dataDir, { recursive: true, force: true });
});

async function connect(workload: string): Promise<TestProxy> {
  const token = await api.createJoinToken({ namespace: "default", serviceAccount: "web" });
  const client = clientOf(control, await join(control, workload, token));
  clients.push(client);
  const proxy = new TestProxy(client, workload);
  proxy.subscribe("Outbound", "default/reviews:80@default", "default/cart:80@default");
  await proxy.until(() => proxy.resources.has(reviews) && proxy.resources.has(cart));
  return proxy;
}

const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }] },
});

/** The value tells its versions apart. */
const route = (name: string, value: string) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name },
  spec: {
    parentRefs: [{ group: "", kind: "Service", name }],
    rules: [
      {
        filters: [
          { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-a", value }] } },
        ],
        backendRefs: [{ name, port: 80 }],
      },
    ],
  },
});

async function apply(...objects: object[]): Promise<number> {
  return (await api.transact({ objects, message: "test" })).revision;
}

async function waited(revision: number): Promise<{ readonly isThere: boolean; readonly said: string }> {
  let said = "";
  const output = new Output({
    out: () => {},
    err: (text) => void (said += text),
    colour: false,
    flush: async () => {},
  });
  return { isThere: await waitForRevision(api, revision, longMs, output), said };
}

/** Polls, since statuses are written a moment after the proxies have answered. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await Bun.sleep(20);
}

async function inForceOf(name: string): Promise<string | undefined> {
  const text = JSON.stringify(await api.get("HTTPRoute", { namespace: "default", name }));
  return /"type":"weft.dev\/InForce","status":"False","reason":"RefusedByProxy","message":"(?<message>[^"]+)"/.exec(
    text,
  )?.groups?.["message"];
}

async function proxyNamed(id: string): Promise<MeshStatus["proxies"][number] | undefined> {
  return (await api.status()).proxies.find((proxy) => proxy.id === id);
}

async function text(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${readFileSync(control.tokenFile, "utf8").trim()}` };
  return (await fetch(`${control.apiUrl}${path}`, { headers })).text();
}

test("what a proxy refuses stays as it was there, the rest goes on, and a version that it can use clears it", async () => {
  const before = old.resources.get(reviews);
  old.refuses.set(reviews, "an older build does not know this");
  const bad = await apply(route("reviews", "1"), route("cart", "1"));
  await old.until(() => old.commits.includes(bad));
  expect(old.resources.get(reviews)).toBe(before);

  // Who waits is told at once.
  const first = await waited(bad);
  expect(first).toEqual({
    isThere: false,
    said: `weft: default/old refuses ${reviews} and keeps what it had: an older build does not know this\n`,
  });
  expect(Buffer.from(other.resources.get(reviews) ?? []).toString()).toContain("x-a");

  // Both objects of the commit are told apart.
  await eventually(async () => (await inForceOf("reviews")) !== undefined);
  expect(await inForceOf("reviews")).toBe(
    `proxy default/old refuses ${reviews}, which is made of this: an older build does not know this; what was there before stays in force there`,
  );
  expect(await inForceOf("cart")).toBeUndefined();
  expect(await proxyNamed("default/old")).toMatchObject({
    revision: bad - 1,
    answered: bad,
    rejections: [
      {
        resource: reviews,
        message: "an older build does not know this",
        revision: bad,
        objects: ["HTTPRoute default/reviews"],
      },
    ],
  });
  expect((await proxyNamed("default/other"))?.revision).toBe(bad);
  expect(await text("/apis/weft.dev/v1alpha1/findings")).toContain(
    `default/old refuses ${reviews}, made of HTTPRoute default/reviews, and keeps what it had: an older build does not know this`,
  );
  const metrics = await text("/metrics");
  expect(metrics).toContain("weft_control_proxies_refusing 1\n");
  expect(metrics).toContain('weft_control_resources_refused_total{kind="Outbound"} 1\n');

  // Somebody else's change goes everywhere, and is not blamed.
  const next = await apply(route("cart", "2"));
  const second = await waited(next);
  expect(second.isThere).toBe(true);
  expect(second.said).toContain(`default/old refuses, as before revision ${next}, ${reviews}`);

  old.refuses.clear();
  const good = await apply(route("reviews", "3"));
  expect(await waited(good)).toEqual({ isThere: true, said: "" });
  expect(old.resources.get(reviews)).toEqual(other.resources.get(reviews) ?? new Uint8Array());
  await eventually(async () => (await inForceOf("reviews")) === undefined);
  expect((await proxyNamed("default/old"))?.rejections).toBeUndefined();
  expect(await text("/metrics")).toContain("weft_control_proxies_refusing 0\n");
}, 60_000);

test("a rollback to what it has clears it as well, and so does its leave", async () => {
  old.refuses.set(reviews, "no");
  other.refuses.set(reviews, "no");
  const bad = await apply(route("reviews", "1"));
  expect((await waited(bad)).said.split("\n")).toHaveLength(3);
  await eventually(
    async () => (await inForceOf("reviews"))?.startsWith("proxy default/old and 1 more refuse") === true,
  );
  old.close();
  await eventually(
    async () => (await inForceOf("reviews"))?.startsWith("proxy default/other refuses") === true,
  );
  other.refuses.clear();
  const good = await apply(route("reviews", "0"));
  expect(await waited(good)).toEqual({ isThere: true, said: "" });
  await eventually(async () => (await inForceOf("reviews")) === undefined);
}, 60_000);
