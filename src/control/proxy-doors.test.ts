/** The port for proxies against what a proxy may not know, and against garbage: each refusal over TLS, and a neighbour that notices nothing. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { GrpcClient } from "../grpc/index.ts";
import { silentLog } from "../kernel/index.ts";
import type { ModelKind } from "../model/index.ts";
import type { TlsIdentity } from "../net/index.ts";
import { Certificates } from "../wire/index.ts";
import { generateKeyAndCsr } from "../identity/x509/index.ts";
import { startControl } from "./control.ts";
import type { RunningControl } from "./control-options.ts";
import { clientOf, join, TestProxy } from "./test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
let dataDir = "";
let control: RunningControl;
let web: TlsIdentity;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(joinPath(tmpdir(), "weft-doors-"));
  control = await startControl({ dataDir, api: loopback, ads: loopback, log: silentLog, version: "test" });
  const accounts = ["web", "db"].map((name) => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name },
  }));
  const workload = {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name: "db-1" },
    spec: { addresses: ["127.0.0.9"], serviceAccount: "db" },
  };
  await api("/apis/weft.dev/v1alpha1/transactions", { objects: [...accounts, workload] });
  web = await join(control, "default/web-1", await joinToken("web"));
});
afterAll(async () => {
  for (const client of clients) client.close();
  await control.drain();
  rmSync(dataDir, { recursive: true, force: true });
});

async function api(path: string, body: unknown): Promise<string> {
  const token = readFileSync(control.tokenFile, "utf8").trim();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${control.apiUrl}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

async function joinToken(account: string): Promise<string> {
  const answer = await api(`/api/v1/namespaces/default/serviceaccounts/${account}/token`, {});
  return /"token":"(?<token>[^"]+)"/.exec(answer)?.groups?.["token"] ?? "";
}

function open(id: string, role?: string): TestProxy {
  const client = clientOf(control, web);
  clients.push(client);
  return new TestProxy(client, id, role);
}

describe("a stream", () => {
  const streams: [string, string, string][] = [
    ["of a workload of another account", "default/db-1", "sidecar"],
    ["of another namespace", "weft-system/web-1", "sidecar"],
    ["as a gateway without the mesh's word", "default/web-1", "gateway"],
  ];
  test.each(streams)("%s is refused", async (_, id, role) => {
    const proxy = open(id, role);
    await proxy.until(() => proxy.closed !== undefined);
    expect([proxy.closed, proxy.resources.size]).toEqual(["permission_denied", 0]);
  });

  const names: [string, ModelKind, string][] = [
    ["another workload's inbound", "Inbound", "default/db-1"],
    ["an inbound of another namespace", "Inbound", "weft-system/gw"],
    ["a gateway", "Gateway", "default/edge"],
    ["all gateways", "Gateway", "*"],
    ["outbounds of another namespace", "Outbound", "default/reviews:80@weft-system"],
  ];
  test.each(names)("that asks for %s is ended, with nothing of it", async (_, kind, key) => {
    const proxy = open("default/web-1");
    await proxy.until(() => proxy.resources.has("Mesh mesh"));
    proxy.subscribe(kind, key);
    await proxy.until(() => proxy.closed !== undefined);
    expect([proxy.closed, proxy.resources.has(`${kind} ${key}`)]).toEqual(["permission_denied", false]);
  });

  test("cannot name certificates: they come with a gateway or not at all", async () => {
    const proxy = open("default/web-1");
    await proxy.until(() => proxy.resources.has("Mesh mesh"));
    proxy.subscribe("Certificate", "default/tls");
    proxy.subscribe("Name", "nothing.example");
    await proxy.until(() => proxy.commits.length > 1);
    expect([...proxy.resources.keys()].filter((key) => key.startsWith("Certificate"))).toEqual([]);
    proxy.close();
  });

  test("of one workload too many is refused", async () => {
    const proxies = Array.from({ length: 9 }, () => open("default/web-1"));
    for (const proxy of proxies)
      await proxy.until(() => proxy.closed !== undefined || proxy.resources.has("Mesh mesh"));
    expect(proxies.map(({ closed }) => closed).filter((code) => code !== undefined)).toEqual([
      "resource_exhausted",
    ]);
    for (const proxy of proxies) proxy.close();
  });
});

describe("a certificate", () => {
  const issue = async (workload: string, metadata?: ReadonlyMap<string, string>): Promise<string> => {
    const client = clientOf(control, metadata === undefined ? web : undefined);
    clients.push(client);
    const request = { csr: generateKeyAndCsr().csrDer, workload };
    return client.unary(Certificates.method.issue, request, metadata === undefined ? {} : { metadata }).then(
      ({ identity }) => identity,
      (error: unknown) => String(error),
    );
  };

  test("is only ever the caller's own, whatever is asked for", async () => {
    expect(await issue("default/db-1")).toEndWith("/ns/default/sa/web");
    expect(await issue("weft-system/gw")).toContain("cannot have a certificate");
  });

  test("is not had with a token that was used, or with none that is known", async () => {
    const token = await joinToken("web");
    const once = new Map([["authorization", `Bearer ${token}`]]);
    expect(await issue("default/web-2", once)).toEndWith("/ns/default/sa/web");
    expect(await issue("default/web-2", once)).toContain("used before");
    expect(await issue("default/web-2", new Map([["authorization", "Bearer x.y"]]))).toContain("not known");
  });
});

test("a flood of garbage ends, and a proxy beside it notices nothing", async () => {
  const proxy = open("default/web-1");
  await proxy.until(() => proxy.resources.has("Mesh mesh"));
  const garbage = [
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.alloc(4_096, 0xff),
    Buffer.from([22, 3, 1, 255, 255]),
    Buffer.alloc(0),
  ];
  const attack = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      Bun.connect({
        hostname: control.ads.address,
        port: control.ads.port,
        socket: {
          open(socket) {
            socket.write(bytes);
            if (bytes.length === 0) socket.end();
          },
          data() {},
          close: () => resolve(),
          end: (socket) => void socket.end(),
          connectError: () => resolve(),
        },
      }).catch(() => resolve());
    });
  const flood = Promise.all(
    Array.from({ length: 400 }, (_, i) => attack(garbage[i % garbage.length] ?? Buffer.alloc(0))),
  );
  const before = proxy.commits.length;
  await api("/apis/weft.dev/v1alpha1/transactions", {
    objects: [
      { apiVersion: "v1", kind: "Service", metadata: { name: "during" }, spec: { ports: [{ port: 80 }] } },
    ],
  });
  proxy.subscribe("Name", "during.default.svc.cluster.local");
  await proxy.until(() => proxy.commits.length > before);
  expect(proxy.closed).toBeUndefined();
  await flood;
  proxy.close();
});
