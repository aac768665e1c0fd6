/** How many clients a UDP listener has, and which of them make room. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import {
  type Balancing,
  BalancingAlgorithm,
  BalancingSchema,
  ClusterSchema,
  EndpointSchema,
  GatewaySchema,
  MeshSchema,
  Protocol,
  Tunnel,
} from "../../model/index.ts";
import { connectDatagrams, openDatagrams } from "../../net/index.ts";
import { fakeSnapshot } from "../testing/fake-agent.ts";
import { defaultCodecs } from "../testing/default-codecs.ts";
import { eventually } from "../testing/eventually.ts";
import { HopDialer, Upstreams } from "../upstream/index.ts";
import { ServeMetrics } from "./metrics.ts";
import { UdpPort } from "./udp-port.ts";

const cluster = "default/dns:53@udp";

/** `apps`: endpoints, each of which says its number after what it was told. */
function listener(maxSessions: number, options: { apps?: number; balancing?: Balancing } = {}) {
  const { balancing } = options;
  const apps = Array.from({ length: options.apps ?? 1 }, (_, index) => {
    const app = openDatagrams({
      hostname: "127.0.0.1",
      port: 0,
      onDatagram: (bytes, port, address) =>
        void app.send(Buffer.concat([bytes, Buffer.from(`${index}`)]), port, address),
    });
    return app;
  });
  const snapshot = fakeSnapshot({
    mesh: create(MeshSchema, {}),
    clusters: [
      create(ClusterSchema, {
        namespace: "default",
        service: "dns",
        port: 53,
        protocol: Protocol.UDP,
        ...(balancing === undefined ? {} : { balancing }),
      }),
    ],
    endpoints: apps.map(({ port }, index) =>
      create(EndpointSchema, {
        cluster,
        workload: `default/dns-${index}`,
        address: "127.0.0.1",
        port,
        tunnel: Tunnel.NONE,
        weight: 1,
      }),
    ),
    gateways: [
      create(GatewaySchema, {
        listeners: [
          {
            name: "dns",
            port: 53,
            protocol: Protocol.UDP,
            connections: { entries: [{ rule: 0 }], rules: [{ backends: [{ cluster, weight: 1 }] }] },
          },
        ],
      }),
    ],
  });
  const clock = new VirtualClock();
  const identity = { certChainPem: "", privateKeyPem: "", trustRootsPem: "" };
  const dialer = new HopDialer({
    identity: () => identity,
    sourceWorkload: "default/edge",
    mark: undefined,
    limits: defaultCodecs(),
  });
  const upstreams = new Upstreams(dialer, clock, "http1");
  upstreams.applySnapshot(snapshot);
  const metrics = new ServeMetrics();
  const context = { clock, coarseNowMs: 0, metrics, random: () => 0, upstreams };
  const [prepared] = snapshot.gatewayPorts;
  if (prepared === undefined) throw new Error("no port");
  const port = new UdpPort(context, prepared, {
    address: "127.0.0.1",
    port: 0,
    isShared: false,
    maxSessions,
  });
  const text = (): string =>
    metrics.families
      .flatMap((family) =>
        [...family.samples()].map(
          ({ labels, value }) => `${family.name} ${Object.values(labels).join()} ${value}`,
        ),
      )
      .join("\n");
  const close = (): void => {
    port.close();
    for (const app of apps) app.close();
    upstreams.close();
  };
  return { port, context, text, close };
}

class Client {
  answers = 0;
  readonly #peer;

  constructor(port: number) {
    this.#peer = connectDatagrams({
      address: "127.0.0.1",
      port,
      onDatagram: () => void this.answers++,
      onError() {},
    });
  }

  async ask(): Promise<void> {
    const before = this.answers;
    this.#peer?.send(Buffer.from("?"));
    await eventually(() => this.answers > before, "an answer");
  }

  send(): void {
    this.#peer?.send(Buffer.from("?"));
  }

  close(): void {
    this.#peer?.close();
  }
}

test("a client beyond the bound is dropped, until another has been silent for a while", async () => {
  const { port, context, text, close } = listener(2);
  const [first, second, third] = [0, 1, 2].map(() => new Client(port.bound.port));
  if (first === undefined || second === undefined || third === undefined) throw new Error("three clients");
  await first.ask();
  await second.ask();
  third.send();
  await eventually(() => text().includes("weft_udp_datagrams_dropped_total overloaded 1"), "the drop");
  expect(text()).toContain("weft_limit_reached_total max_udp_sessions 1");
  // Those that are there go on.
  await first.ask();
  context.coarseNowMs = 4_000;
  await first.ask();
  context.coarseNowMs = 5_000;
  await third.ask();
  expect(port.size).toBe(2);
  await first.ask();
  expect(port.size).toBe(2);
  for (const client of [first, second, third]) client.close();
  close();
});

test("where the cluster hashes addresses, all ports of a client's address have one endpoint", async () => {
  const balancing = create(BalancingSchema, {
    algorithm: BalancingAlgorithm.MAGLEV,
    hashKeys: [{ key: { case: "sourceAddress", value: true } }],
  });
  const { port, close } = listener(100, { apps: 4, balancing });
  const endpoints = new Map<string, string[]>();
  const clients = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((last) => {
    const hostname = `127.0.0.${last}`;
    const answers: string[] = [];
    endpoints.set(hostname, answers);
    return [0, 0].map(() =>
      openDatagrams({
        hostname,
        port: 0,
        onDatagram: (bytes) => void answers.push(Buffer.from(bytes).toString()),
      }),
    );
  });
  for (const client of clients) client.send(Buffer.from("?"), port.bound.port, "127.0.0.1");
  const all = [...endpoints.values()];
  await eventually(() => all.every((answers) => answers.length === 2), "answers");
  for (const [first, second] of all) expect(second).toBe(first ?? "");
  expect(new Set(all.flat()).size).toBeGreaterThan(1);
  for (const client of clients) client.close();
  close();
});
