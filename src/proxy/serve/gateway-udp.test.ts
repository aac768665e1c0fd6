/** UDP through a gateway: whose datagrams go where, what comes back to whom, and what becomes of too many. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Clock, VirtualClock } from "../../kernel/index.ts";
import {
  type Backend,
  BackendSchema,
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  GatewaySchema,
  Health,
  Protocol,
  Tunnel,
} from "../../model/index.ts";
import { connectDatagrams, type DatagramPeer, type DatagramServer, openDatagrams } from "../../net/index.ts";
import type { FakeConfiguration } from "../testing/fake-agent.ts";
import { eventually, freePort } from "../testing/eventually.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import { fixedLimits } from "./limits.ts";

/** An application that answers with its name and what it got. */
class App {
  readonly received: string[] = [];
  readonly #socket: DatagramServer;

  constructor(name: string, address = "127.0.0.1") {
    this.#socket = openDatagrams({
      hostname: address,
      port: 0,
      onDatagram: (bytes, port, from) => {
        const text = Buffer.from(bytes).toString();
        this.received.push(text);
        this.#socket.send(Buffer.from(`${name} ${text}`), port, from);
      },
    });
  }

  endpoint(cluster: string, health = Health.HEALTHY): Endpoint {
    const { hostname, port } = this.#socket;
    return create(EndpointSchema, {
      cluster,
      workload: `default/${hostname}-${port}`,
      address: hostname,
      port,
      tunnel: Tunnel.NONE,
      weight: 1,
      health,
    });
  }

  close(): void {
    this.#socket.close();
  }
}

class Client {
  readonly received: string[] = [];
  readonly #peer: DatagramPeer;

  constructor(port: number, address = "127.0.0.1") {
    const onDatagram = (bytes: Uint8Array): void => void this.received.push(Buffer.from(bytes).toString());
    const peer = connectDatagrams({ address, port, onDatagram, onError() {} });
    if (peer === undefined) throw new Error("no socket");
    this.#peer = peer;
  }

  send(text: string): void {
    this.#peer.send(Buffer.from(text));
  }

  /** What came back, once there are so many of it. */
  async answers(count: number): Promise<readonly string[]> {
    await eventually(() => this.received.length >= count, `${count} answers`);
    return this.received;
  }

  close(): void {
    this.#peer.close();
  }
}

const dns = "default/dns:53@udp";
const backup = "default/backup:53@udp";

interface Plan {
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
  readonly backends?: readonly MessageInitShape<typeof BackendSchema>[];
  readonly addresses?: string[];
}

function configuration(mesh: TestMesh, { port, endpoints, backends, addresses }: Plan): FakeConfiguration {
  const chosen: Backend[] = (backends ?? [{ cluster: dns, weight: 1 }]).map((each) =>
    create(BackendSchema, each),
  );
  return {
    mesh: mesh.mesh,
    endpoints,
    clusters: ["dns", "backup"].map((service) =>
      create(ClusterSchema, { namespace: "default", service, port: 53, protocol: Protocol.UDP }),
    ),
    gateways: [
      create(GatewaySchema, {
        source: { kind: "Gateway", namespace: "default", name: "edge" },
        listeners: [
          {
            name: "dns",
            port,
            protocol: Protocol.UDP,
            hostname: "*",
            addresses: addresses ?? [],
            connections: { entries: [{ hostnames: [], rule: 0 }], rules: [{ backends: chosen }] },
          },
        ],
      }),
    ],
  };
}

async function gateway(mesh: TestMesh, plan: Omit<Plan, "port">, clock?: Clock) {
  const port = freePort();
  const agent = mesh.agent("edge", configuration(mesh, { port, ...plan }));
  const proxy = await mesh.run(
    { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
    agent,
    clock === undefined ? {} : { clock },
  );
  return {
    port,
    proxy,
    configure: (changed: Omit<Plan, "port">) => agent.configure(configuration(mesh, { port, ...changed })),
    metric: (line: string) => proxy.metricsText().includes(`${line}\n`),
  };
}

test.each(["127.0.0.1", "::1"])("answers find their client, and no other, over %s", async (address) => {
  await using mesh = new TestMesh();
  const app = new App("dns", address);
  const { port, metric } = await gateway(mesh, { endpoints: [app.endpoint(dns)], addresses: [address] });
  const clients = Array.from({ length: 5 }, () => new Client(port, address));
  for (const [index, client] of clients.entries()) {
    client.send(`${index}a`);
    client.send(`${index}b`);
  }
  for (const [index, client] of clients.entries()) {
    expect([...(await client.answers(2))].toSorted()).toEqual([`dns ${index}a`, `dns ${index}b`]);
  }
  expect(metric("weft_udp_sessions 5")).toBe(true);
  expect(metric('weft_udp_datagrams_total{direction="to_client"} 10')).toBe(true);
  for (const client of clients) client.close();
  app.close();
});

test("a datagram is as long as it came, empty ones and large ones too", async () => {
  await using mesh = new TestMesh();
  const app = new App("");
  const { port } = await gateway(mesh, { endpoints: [app.endpoint(dns)] });
  const client = new Client(port);
  client.send("");
  client.send("x".repeat(60_000));
  expect((await client.answers(2)).map((each) => each.length)).toEqual([1, 60_001]);
  client.close();
  app.close();
});

test("clients are shared out by weight, and each keeps what it got", async () => {
  await using mesh = new TestMesh();
  const [one, two] = [new App("one"), new App("two")];
  const { port } = await gateway(mesh, {
    endpoints: [one.endpoint(dns), two.endpoint(backup)],
    backends: [
      { cluster: dns, weight: 3 },
      { cluster: backup, weight: 1 },
    ],
  });
  const clients = Array.from({ length: 200 }, () => new Client(port));
  for (const client of clients) client.send("1");
  for (const client of clients) await client.answers(1);
  for (const client of clients) client.send("2");
  for (const client of clients) {
    const names = (await client.answers(2)).map((answer) => answer.split(" ")[0]);
    expect(new Set(names).size).toBe(1);
  }
  // 150 of 200 are expected; 12 below or above are two standard deviations, and this allows for five.
  const share = clients.filter((client) => client.received[0]?.startsWith("one") === true).length;
  expect(share).toBeGreaterThan(119);
  expect(share).toBeLessThan(181);
  for (const client of clients) client.close();
  one.close();
  two.close();
});

describe("a client gets another endpoint", () => {
  test("when its own is no member any more", async () => {
    await using mesh = new TestMesh();
    const clock = new VirtualClock();
    const [one, two] = [new App("one"), new App("two")];
    const at = await gateway(mesh, { endpoints: [one.endpoint(dns)] }, clock);
    const client = new Client(at.port);
    client.send("a");
    expect(await client.answers(1)).toEqual(["one a"]);
    at.configure({ endpoints: [two.endpoint(dns)] });
    clock.advance(1_000);
    client.send("b");
    expect(await client.answers(2)).toEqual(["one a", "two b"]);
    client.close();
    one.close();
    two.close();
  });

  test("at once when its route sends nobody there any more", async () => {
    await using mesh = new TestMesh();
    const [one, two] = [new App("one"), new App("two")];
    const endpoints = [one.endpoint(dns), two.endpoint(backup)];
    const at = await gateway(mesh, { endpoints });
    const client = new Client(at.port);
    client.send("a");
    expect(await client.answers(1)).toEqual(["one a"]);
    at.configure({ endpoints, backends: [{ cluster: backup, weight: 1 }] });
    client.send("b");
    expect(await client.answers(2)).toEqual(["one a", "two b"]);
    client.close();
    one.close();
    two.close();
  });

  test("when nobody is where its own was", async () => {
    await using mesh = new TestMesh();
    const [one, two] = [new App("one"), new App("two")];
    const dead = one.endpoint(dns);
    one.close();
    const at = await gateway(mesh, { endpoints: [dead, two.endpoint(dns)] });
    const clients = Array.from({ length: 8 }, () => new Client(at.port));
    await eventually(() => {
      for (const client of clients) if (client.received.length === 0) client.send("x");
      return clients.every((client) => client.received.length > 0);
    }, "everybody is answered");
    expect(at.proxy.metricsText()).toContain("weft_upstream_connect_failures_total");
    for (const client of clients) client.close();
    two.close();
  });
});

test("a client that was silent for a minute is forgotten", async () => {
  await using mesh = new TestMesh();
  const clock = new VirtualClock();
  const app = new App("dns");
  const { port, metric } = await gateway(mesh, { endpoints: [app.endpoint(dns)] }, clock);
  const client = new Client(port);
  client.send("a");
  await client.answers(1);
  clock.advance(fixedLimits.udpIdleTimeoutMs - 1_000);
  expect(metric("weft_udp_sessions 1")).toBe(true);
  clock.advance(1_000);
  expect(metric("weft_udp_sessions 0")).toBe(true);
  client.send("b");
  expect(await client.answers(2)).toEqual(["dns a", "dns b"]);
  client.close();
  app.close();
});

describe("a datagram is dropped and counted", () => {
  test.each([
    ["no_endpoint", undefined, []],
    ["backend_unresolved", [{ weight: 1, unresolved: "Service x does not exist" }], []],
    ["backend_unresolved", [{ cluster: dns, weight: 0 }], []],
  ])("for %s", async (reason, backends, endpoints) => {
    await using mesh = new TestMesh();
    const at = await gateway(mesh, { endpoints, ...(backends === undefined ? {} : { backends }) });
    const client = new Client(at.port);
    client.send("a");
    await eventually(() => at.metric(`weft_udp_datagrams_dropped_total{reason="${reason}"} 1`), "the drop");
    expect(at.metric("weft_udp_sessions 0")).toBe(true);
    client.close();
  });
});

test("a port that somebody else has is reported, and opens when it is free", async () => {
  await using mesh = new TestMesh();
  const clock = new VirtualClock();
  const holder = openDatagrams({ hostname: "127.0.0.1", port: freePort(), onDatagram() {} });
  const app = new App("dns");
  const agent = mesh.agent(
    "edge",
    configuration(mesh, { port: holder.port, endpoints: [app.endpoint(dns)] }),
  );
  const proxy = await mesh.run(
    { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
    agent,
    { clock },
  );
  expect(proxy.gatewayFailures()).toEqual([
    `gateway listener 127.0.0.1:${holder.port}/udp: listen on 127.0.0.1:${holder.port}/udp: the address is in use`,
  ]);
  holder.close();
  clock.advance(5_000);
  expect(proxy.gatewayFailures()).toEqual([]);
  const client = new Client(holder.port);
  client.send("a");
  expect(await client.answers(1)).toEqual(["dns a"]);
  client.close();
  app.close();
});

test("a listener that goes is closed with its clients, and another protocol may have the number", async () => {
  await using mesh = new TestMesh();
  const app = new App("dns");
  const at = await gateway(mesh, { endpoints: [app.endpoint(dns)] });
  const tcp = Bun.listen({ hostname: "127.0.0.1", port: at.port, socket: { data() {} } });
  const client = new Client(at.port);
  client.send("a");
  await client.answers(1);
  at.configure({ endpoints: [], addresses: ["127.0.0.2"] });
  expect(at.metric("weft_udp_sessions 0")).toBe(true);
  openDatagrams({ hostname: "127.0.0.1", port: at.port, onDatagram() {} }).close();
  tcp.stop(true);
  client.close();
  app.close();
});
