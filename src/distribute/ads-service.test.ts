/** The whole way over TLS: a proxy's gRPC client, the service, the core. */
import { afterEach, expect, test } from "bun:test";
import { create, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { type BidiStream, GrpcClient, type GrpcServer, type GrpcStatus, serveGrpc } from "../grpc/index.ts";
import { silentLog, systemClock, VirtualClock } from "../kernel/index.ts";
import { typeUrl } from "../model/index.ts";
import { meshServerName, type TlsIdentity } from "../net/index.ts";
import {
  AggregatedDiscoveryService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
} from "../wire/index.ts";
import { adsService } from "./ads-service.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { makeMeshRoot } from "./test-certificates.ts";
import { FakeSource } from "./testing.ts";

const root = makeMeshRoot();
const webUri = "spiffe://test.weft/ns/shop/sa/web";
const serverIdentity = root.issue("spiffe://test.weft/ns/weft-system/sa/control");
const webIdentity = root.issue(webUri);

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function startServer(source: FakeSource, clock = systemClock) {
  const core = new SubscriptionCore(source, clock);
  const presence: string[] = [];
  const service = adsService({
    core,
    clock,
    log: silentLog,
    mayActFor: (peer, workload) => peer.uriSans[0] === webUri && workload.startsWith("shop/"),
    presence: {
      connected: (workload, role) => void presence.push(`+${workload} ${role}`),
      introduced({ workload, role, addresses, metrics }) {
        if (role === "gateway") presence.push(`${workload} at ${addresses?.join() ?? "?"}`);
        if (metrics !== undefined) presence.push(`${workload} tells ${metrics.address} ${metrics.port}`);
      },
      disconnected: (workload) => void presence.push(`-${workload}`),
    },
  });
  const server = serveGrpc({
    listen: { port: 0 },
    tls: () => ({ identity: serverIdentity, alpn: ["h2"], clientCertificate: "optional" }),
    services: [service],
    log: silentLog,
  });
  opened.push(server);
  return { core, server, presence };
}

/** A proxy that acknowledges all that it gets. */
class Proxy {
  readonly client: GrpcClient;
  readonly closed = Promise.withResolvers<GrpcStatus>();
  readonly resources = new Map<string, string>();
  readonly #stream: BidiStream<DeltaDiscoveryResponse, DeltaDiscoveryRequest>;
  #waiting: { isDone: () => boolean; resolve: () => void }[] = [];

  constructor(server: GrpcServer, identity: TlsIdentity | undefined) {
    this.client = new GrpcClient({
      address: "127.0.0.1",
      port: server.port,
      tls: () => ({
        identity,
        trustRootsPem: root.pem,
        serverName: meshServerName,
        alpn: ["h2"],
        verifyPeer: () => undefined,
      }),
    });
    opened.push(this.client);
    this.#stream = this.client.bidi(AggregatedDiscoveryService.method.deltaAggregatedResources, {
      onMessage: (response) => this.#receive(response),
      onClose: (status) => this.closed.resolve(status),
    });
  }

  send(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): this {
    this.#stream.send(create(DeltaDiscoveryRequestSchema, request));
    return this;
  }

  end(): void {
    this.#stream.close();
  }

  until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ isDone, resolve });
    });
  }

  #receive({ typeUrl: url, nonce, resources, removedResources }: DeltaDiscoveryResponse): void {
    for (const { name, version } of resources) this.resources.set(name, version);
    for (const name of removedResources) this.resources.delete(name);
    this.send({ typeUrl: url, responseNonce: nonce });
    const done = this.#waiting.filter(({ isDone }) => isDone());
    this.#waiting = this.#waiting.filter((each) => !done.includes(each));
    for (const { resolve } of done) resolve();
  }
}

const first = {
  typeUrl: typeUrl("Mesh"),
  node: { id: "shop/web", metadata: { role: "sidecar", namespace: "shop" } },
};

test("a proxy subscribes, follows a change, and is known to have it", async () => {
  const source = new FakeSource()
    .put("Mesh", "mesh", "m1")
    .put("Outbound", "o", "o1", ["c"])
    .put("Cluster", "c", "c1");
  for (let i = 0; i < 5_000; i++) source.put("Endpoint", `c#${i}`, "e1");
  const { server, core, presence } = startServer(source);
  const proxy = new Proxy(server, webIdentity);
  proxy.send(first).send({ typeUrl: typeUrl("Outbound"), resourceNamesSubscribe: ["o"] });
  await proxy.until(() => proxy.resources.has("c#4999") && proxy.resources.get("commit") === "1");
  source.put("Endpoint", "c#17", "e2").remove("Endpoint", "c#18").put("Outbound", "o", "o2", ["c"]).commit();
  await proxy.until(() => proxy.resources.get("commit") === "2");
  expect(proxy.resources.get("c#17")).toBe("e2");
  expect(proxy.resources.has("c#18")).toBe(false);
  proxy.end();
  expect(await proxy.closed.promise).toEqual({ code: "ok", message: "" });
  expect(presence).toEqual(["+shop/web sidecar", "-shop/web"]);
  expect(core.statuses()).toEqual([]);
});

test("a workload with two streams for a moment is connected once", async () => {
  const { server, presence } = startServer(new FakeSource().put("Mesh", "mesh", "m1"));
  const old = new Proxy(server, webIdentity).send(first);
  await old.until(() => old.resources.has("commit"));
  const fresh = new Proxy(server, webIdentity).send(first);
  await fresh.until(() => fresh.resources.has("commit"));
  old.end();
  await old.closed.promise;
  expect(presence).toEqual(["+shop/web sidecar"]);
  fresh.end();
  await fresh.closed.promise;
  expect(presence).toEqual(["+shop/web sidecar", "-shop/web"]);
});

test("each stream of a gateway says which addresses its machine has, a sidecar's says nothing", async () => {
  const { server, presence } = startServer(new FakeSource().put("Mesh", "mesh", "m1"));
  const nodeAt = (role: string, addresses?: JsonValue[]) => ({
    typeUrl: typeUrl("Mesh"),
    node: { id: `shop/${role}`, metadata: { role, ...(addresses === undefined ? {} : { addresses }) } },
  });
  const requests = [
    nodeAt("sidecar", ["10.0.0.1"]),
    nodeAt("gateway", ["10.0.0.2", "::0:1", "10.0.0.2", "x", 7]),
    nodeAt("gateway"),
  ];
  for (const request of requests) {
    const proxy = new Proxy(server, webIdentity).send(request);
    await proxy.until(() => proxy.resources.has("commit"));
  }
  expect(presence).toEqual([
    "+shop/sidecar sidecar",
    "+shop/gateway gateway",
    "shop/gateway at 10.0.0.2,::1",
    "shop/gateway at ?",
  ]);
});

test("each stream says where metrics are read; what is no address and port is not taken", async () => {
  const { server, presence } = startServer(new FakeSource().put("Mesh", "mesh", "m1"));
  const places: JsonValue[] = [
    { address: "10.0.0.1", port: 15_020 },
    { address: "::0:1", port: 1 },
    { address: "metadata.internal", port: 80 },
    { address: "10.0.0.1", port: 0 },
    { address: "10.0.0.1", port: 65_536 },
    { address: "10.0.0.1", port: "80" },
    { address: "10.0.0.1" },
    "10.0.0.1:80",
    null,
  ];
  for (const metrics of places) {
    const node = { id: "shop/web", metadata: { role: "sidecar", metrics } };
    const proxy = new Proxy(server, webIdentity).send({ typeUrl: typeUrl("Mesh"), node });
    await proxy.until(() => proxy.resources.has("commit"));
    proxy.end();
    await proxy.closed.promise;
  }
  expect(presence.filter((line) => line.includes("tells"))).toEqual([
    "shop/web tells 10.0.0.1 15020",
    "shop/web tells ::1 1",
  ]);
});

test("a lost connection ends the presence", async () => {
  const { server, presence } = startServer(new FakeSource());
  const proxy = new Proxy(server, webIdentity).send(first);
  await proxy.until(() => proxy.resources.has("commit"));
  proxy.client.close();
  const other = new Proxy(server, webIdentity).send({ ...first, node: { ...first.node, id: "shop/other" } });
  await other.until(() => other.resources.has("commit"));
  expect(presence).toContain("-shop/web");
});

test("without a certificate, or with one for somebody else, nothing is told", async () => {
  const { server, presence } = startServer(new FakeSource().put("Mesh", "mesh", "m1"));
  const nobody = new Proxy(server, undefined).send(first);
  expect((await nobody.closed.promise).code).toBe("unauthenticated");
  const stranger = new Proxy(server, root.issue("spiffe://test.weft/ns/shop/sa/other")).send(first);
  expect((await stranger.closed.promise).code).toBe("permission_denied");
  const foreignRoot = makeMeshRoot();
  const foreigner = new Proxy(server, foreignRoot.issue(webUri)).send(first);
  expect((await foreigner.closed.promise).code).toBe("unavailable");
  for (const proxy of [nobody, stranger, foreigner]) expect(proxy.resources.size).toBe(0);
  expect(presence).toEqual([]);
});

test("a stream ends when the certificate that it was opened with expires", async () => {
  const clock = new VirtualClock(Date.now());
  const { server } = startServer(new FakeSource(), clock);
  const proxy = new Proxy(server, webIdentity).send(first);
  await proxy.until(() => proxy.resources.has("commit"));
  clock.advance(3_600_000 - 60_000);
  proxy.send({ typeUrl: typeUrl("Name"), resourceNamesSubscribe: ["x"] });
  await proxy.until(() => proxy.resources.get("commit") === "2");
  clock.advance(120_000);
  expect((await proxy.closed.promise).code).toBe("unauthenticated");
});
