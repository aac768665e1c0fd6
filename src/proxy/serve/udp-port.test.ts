/** How many clients a UDP listener has, and which of them make room. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import {
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

function listener(maxSessions: number) {
  const app = openDatagrams({
    hostname: "127.0.0.1",
    port: 0,
    onDatagram: (bytes, port, address) => void app.send(bytes, port, address),
  });
  const snapshot = fakeSnapshot({
    mesh: create(MeshSchema, {}),
    clusters: [
      create(ClusterSchema, { namespace: "default", service: "dns", port: 53, protocol: Protocol.UDP }),
    ],
    endpoints: [
      create(EndpointSchema, {
        cluster,
        workload: "default/dns-1",
        address: "127.0.0.1",
        port: app.port,
        tunnel: Tunnel.NONE,
        weight: 1,
      }),
    ],
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
    app.close();
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
