/** Where Gateways of files are served: on addresses of their own, over UDP, with listeners of others. */
import { afterEach, expect, test } from "bun:test";
import type { GatewayHost } from "../compile/index.ts";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { connectDatagrams, MachineWatch, openDatagrams } from "../net/index.ts";
import { FilePipeline } from "./file-pipeline.ts";
import { type RunningStandalone, startStandalone } from "./standalone.ts";
import { gateway, route, service, TestFiles } from "./testing/test-files.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function answering(text: string): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(text) });
  closers.push(() => void server.stop(true));
  return server.port ?? 0;
}

/** A number that is free on both addresses, for TCP and UDP. */
function freePort(...addresses: string[]): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      for (const hostname of addresses) {
        Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
        openDatagrams({ hostname, port, onDatagram() {} }).close();
      }
      return port;
    } catch {
      // Taken: the next one.
    }
  }
}

function testFiles(): TestFiles {
  const files = new TestFiles();
  files.write("mesh.yaml", {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "mesh" },
    spec: { accessLog: false },
  });
  closers.push(() => files[Symbol.dispose]());
  return files;
}

async function serve(files: TestFiles): Promise<RunningStandalone> {
  const standalone = await startStandalone({
    files,
    gateway: { kind: "tcp", address: "127.0.0.1" },
    log: silentLog,
  });
  closers.push(() => standalone.close());
  return standalone;
}

const at = (name: string, port: number, addresses: readonly string[]): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name },
  spec: {
    gatewayClassName: "weft",
    addresses: addresses.map((value) => ({ value })),
    listeners: [{ name: "http", port, protocol: "HTTP" }],
  },
});

test("Gateways have one port at addresses of their own", async () => {
  const files = testFiles();
  const port = freePort("127.0.0.2", "127.0.0.3");
  files.write(
    "all.yaml",
    at("two", port, ["127.0.0.2"]),
    at("three", port, ["127.0.0.3", "192.0.2.9"]),
    route("a", "a", "two"),
    route("b", "b", "three"),
    ...service("a", answering("a")),
    ...service("b", answering("b")),
  );
  await serve(files);
  for (const [address, expected] of [
    ["127.0.0.2", "a"],
    ["127.0.0.3", "b"],
  ]) {
    expect(await (await fetch(`http://${address}:${port}/`)).text()).toBe(expected ?? "");
  }
});

test("an address that the machine gets later is listened on from then on", async () => {
  const files = testFiles();
  files.write("all.yaml", gateway(8080), at("late", 80, ["10.1.2.3"]));
  const clock = new VirtualClock();
  let machine = ["127.0.0.1"];
  const host = (): GatewayHost => ({ address: "127.0.0.1", addresses: machine });
  const pipeline = new FilePipeline({
    files,
    gatewayHost: host,
    commit: () => Promise.resolve(),
    clock,
    log: silentLog,
  });
  closers.push(() => pipeline.close());
  await pipeline.load();
  const places = (): string[] =>
    pipeline.agent.snapshot.gatewayPorts.map(({ address, port }) => `${address}:${port}`);
  let changes = 0;
  const watch = new MachineWatch(host, clock, () => void changes++);
  closers.push(() => watch.close());
  clock.advance(5_000);
  expect(changes).toBe(0);
  expect(places()).toEqual([":8080"]);
  machine = ["10.1.2.3", "127.0.0.1"];
  clock.advance(5_000);
  expect(changes).toBe(1);
  await pipeline.reload();
  expect(places()).toEqual([":8080", "10.1.2.3:80"]);
  clock.advance(5_000);
  expect(changes).toBe(1);
});

test("a ListenerSet's port is served, with the routes that attach to it", async () => {
  const files = testFiles();
  const [own, more] = [freePort("127.0.0.1"), freePort("127.0.0.1")];
  const door = {
    ...gateway(own),
    spec: {
      gatewayClassName: "weft",
      allowedListeners: { namespaces: { from: "Same" } },
      listeners: [{ name: "http", port: own, protocol: "HTTP" }],
    },
  };
  files.write(
    "all.yaml",
    door,
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "ListenerSet",
      metadata: { name: "more" },
      spec: { parentRef: { name: "door" }, listeners: [{ name: "http", port: more, protocol: "HTTP" }] },
    },
    route("a", "a"),
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "b" },
      spec: {
        parentRefs: [{ kind: "ListenerSet", name: "more" }],
        rules: [{ backendRefs: [{ name: "b", port: 80 }] }],
      },
    },
    ...service("a", answering("a")),
    ...service("b", answering("b")),
  );
  await serve(files);
  expect(await (await fetch(`http://127.0.0.1:${own}/`)).text()).toBe("a");
  expect(await (await fetch(`http://127.0.0.1:${more}/`)).text()).toBe("b");
});

test("datagrams go where a UDPRoute says, beside TCP on the same port", async () => {
  const files = testFiles();
  const port = freePort("127.0.0.1");
  const app = openDatagrams({
    hostname: "127.0.0.1",
    port: 0,
    onDatagram: (bytes, from, address) =>
      void app.send(Buffer.concat([bytes, Buffer.from("!")]), from, address),
  });
  closers.push(() => app.close());
  files.write(
    "all.yaml",
    {
      ...gateway(port),
      spec: {
        gatewayClassName: "weft",
        listeners: [
          { name: "dns", port, protocol: "UDP" },
          { name: "http", port, protocol: "HTTP" },
        ],
      },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "UDPRoute",
      metadata: { name: "dns" },
      spec: {
        parentRefs: [{ name: "door", sectionName: "dns" }],
        rules: [{ backendRefs: [{ name: "dns", port: 53 }] }],
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "dns" },
      spec: {
        ports: [
          { name: "tcp", port: 53 },
          { name: "udp", port: 53, protocol: "UDP" },
        ],
      },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "dns", labels: { "kubernetes.io/service-name": "dns" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"] }],
      ports: [
        { name: "tcp", port: 1 },
        { name: "udp", port: app.port, protocol: "UDP" },
      ],
    },
    route("web", "web"),
    ...service("web", answering("web")),
  );
  const standalone = await serve(files);
  expect(standalone.gatewayUrl).toBe(`http://127.0.0.1:${port}`);
  const { promise, resolve } = Promise.withResolvers<string>();
  const client = connectDatagrams({
    address: "127.0.0.1",
    port,
    onDatagram: (bytes) => resolve(Buffer.from(bytes).toString()),
    onError() {},
  });
  closers.push(() => client?.close());
  client?.send(Buffer.from("ping"));
  expect(await promise).toBe("ping!");
  expect(await (await fetch(standalone.gatewayUrl)).text()).toBe("web");
});
