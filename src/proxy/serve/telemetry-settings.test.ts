/** What is told of each exchange and connection: by the workload's, the Gateway's and the rule's settings, over real sockets. */
import { afterEach, describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  GatewaySchema,
  type HttpRuleSchema,
  InboundSchema,
  Protocol,
  type TelemetrySchema,
} from "../../model/index.ts";
import {
  type HttpOutcome,
  OutcomeFacts,
  type TcpOutcome,
  type TrafficObserver,
} from "../observation/index.ts";
import { eventually, freePort } from "../testing/eventually.ts";
import { cannedServer, RawClient, type RawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

type Said = MessageInitShape<typeof TelemetrySchema>;

const ofWorkload: Said = {
  metrics: {
    labels: [
      {
        name: "agent",
        value: { kind: { case: "attribute", value: { name: "request.headers", keys: ["user-agent"] } } },
      },
      { name: "path", value: { kind: { case: "attribute", value: { name: "request.path" } } } },
      { name: "code", value: { kind: { case: "attribute", value: { name: "response.code" } } } },
      {
        name: "kind",
        value: { kind: { case: "attribute", value: { name: "response.headers", keys: ["content-type"] } } },
      },
      { name: "sent", value: { kind: { case: "attribute", value: { name: "response.size" } } } },
    ],
  },
  tracing: { samplingPpm: 7, keepsErrors: false },
  accessLog: { redaction: { pathTemplates: ["/carts/{id}"] } },
};
const ofRule: Said = { tracing: { samplingPpm: 0 } };

/** What is said of it, and what its labels are: both are the exchange's own, so they are read at once. */
class Listening implements TrafficObserver {
  readonly wantsTimes = false;
  readonly told: { ppm: number | undefined; keepsErrors: boolean | undefined; labels: string[] }[] = [];
  #facts: OutcomeFacts | undefined;

  http(outcome: HttpOutcome): void {
    this.#note(outcome);
  }

  tcp(outcome: TcpOutcome): void {
    this.#note(outcome);
  }

  #note(outcome: HttpOutcome | TcpOutcome): void {
    this.#facts = this.#facts?.of(outcome) ?? new OutcomeFacts(outcome);
    const facts = this.#facts;
    const { telemetry } = outcome;
    this.told.push({
      ppm: telemetry?.tracing.samplingPpm,
      keepsErrors: telemetry?.tracing.keepsErrors,
      labels: (telemetry?.metrics.labels ?? []).map((label) => label.read(facts)),
    });
  }
}

const apps: RawServer[] = [];
afterEach(() => {
  for (const app of apps.splice(0)) app.stop();
});

function app(): RawServer {
  const server = cannedServer(
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello",
  );
  apps.push(server);
  return server;
}

async function get(port: number, path: string): Promise<number> {
  const peer = await RawClient.connect(port);
  peer.write(`GET ${path} HTTP/1.1\r\nhost: a.example\r\nuser-agent: curl\r\n\r\n`);
  return (await peer.response()).status;
}

function routed(telemetry: Said | undefined): MessageInitShape<typeof HttpRuleSchema>[] {
  const backends = [{ cluster: "default/echo:80", weight: 1 }];
  return [{ backends, ...(telemetry && { telemetry }) }];
}

const labels = ["curl", "/carts/{id}", "200", "text/plain", "5"];

describe("a sidecar", () => {
  test("tells nothing of settings where there are none", async () => {
    await using mesh = new TestMesh();
    const observer = new Listening();
    const server = await mesh.server("echo-1", app().port);
    const client = await mesh.client([server.endpoint], {}, { observers: [observer] });
    expect(await get(client.port, "/carts/7")).toBe(200);
    await eventually(() => observer.told.length === 1, "an outcome");
    expect(observer.told).toEqual([{ ppm: undefined, keepsErrors: undefined, labels: [] }]);
  });

  test("tells its workload's, and the route's over them", async () => {
    await using mesh = new TestMesh();
    const observer = new Listening();
    const server = await mesh.server("echo-1", app().port);
    const entries = [{ match: { path: { case: "pathPrefix" as const, value: "/" } }, rule: 0 }];
    const inbound = (telemetry: Said) => create(InboundSchema, { workload: "default/web", telemetry });
    const client = await mesh.client(
      [server.endpoint],
      { http: { entries, rules: routed(ofRule) } },
      { observers: [observer], change: (before) => ({ ...before, inbound: inbound(ofWorkload) }) },
    );
    expect(await get(client.port, "/carts/7?token=a")).toBe(200);
    await eventually(() => observer.told.length === 1, "an outcome");
    expect(observer.told[0]).toEqual({ ppm: 0, keepsErrors: false, labels });
    const again = inbound({ tracing: { keepsErrors: true } });
    client.agent.configure({
      ...mesh.clientConfiguration([server.endpoint], { http: { entries, rules: routed(undefined) } }),
      inbound: again,
    });
    expect(await get(client.port, "/carts/7")).toBe(200);
    await eventually(() => observer.told.length === 2, "another outcome");
    expect(observer.told[1]).toEqual({ ppm: 10_000, keepsErrors: true, labels: [] });
  });

  test("tells its workload's of what comes in", async () => {
    await using mesh = new TestMesh();
    const observer = new Listening();
    const { port } = app();
    const identity = mesh.authority.identity("echo");
    const ports = [{ port, protocol: Protocol.HTTP, services: ["default/echo"] }];
    const inbound = create(InboundSchema, {
      workload: "default/echo-1",
      identity,
      ports,
      telemetry: ofWorkload,
    });
    const agent = mesh.agent("echo", { mesh: mesh.mesh, inbound, addresses: ["127.0.0.1"] });
    const proxy = await mesh.run(mesh.bootstrap("echo-1", "echo"), agent, { observers: [observer] });
    const client = await mesh.client([mesh.endpointOf("echo-1", port, proxy)]);
    expect(await get(client.port, "/carts/7")).toBe(200);
    await eventually(() => observer.told.length === 1, "an outcome");
    expect(observer.told[0]).toEqual({ ppm: 7, keepsErrors: false, labels });
  });

  test("tells its workload's of raw connections", async () => {
    await using mesh = new TestMesh();
    const observer = new Listening();
    const server = await mesh.server("echo-1", app().port, Protocol.TCP);
    const inbound = create(InboundSchema, { workload: "default/web", telemetry: ofWorkload });
    const client = await mesh.client(
      [server.endpoint],
      { protocol: Protocol.TCP },
      { observers: [observer], change: (before) => ({ ...before, inbound }) },
    );
    const peer = await RawClient.connect(client.port);
    peer.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    expect((await peer.response()).status).toBe(200);
    peer.terminate();
    await eventually(() => observer.told.length === 1, "an outcome");
    expect(observer.told[0]?.ppm).toBe(7);
    expect(observer.told[0]?.labels.slice(0, 4)).toEqual(["", "", "", ""]);
  });
});

describe("a gateway", () => {
  async function scene(mesh: TestMesh, observer: Listening, telemetry: Said | undefined) {
    const server = await mesh.server("echo-1", app().port);
    const port = freePort();
    const gateway = create(GatewaySchema, {
      source: { kind: "Gateway", namespace: "default", name: "edge" },
      ...(telemetry && { telemetry }),
      listeners: [
        {
          source: { kind: "Gateway", namespace: "default", name: "edge" },
          name: "web",
          port,
          protocol: Protocol.HTTP,
          virtualHosts: [
            {
              hostname: "a.example",
              http: {
                entries: [
                  { match: { path: { case: "pathPrefix", value: "/carts" } }, rule: 0 },
                  { match: { path: { case: "pathPrefix", value: "/plain" } }, rule: 1 },
                ],
                rules: [...routed(ofRule), ...routed(undefined)],
              },
            },
          ],
        },
      ],
    });
    const agent = mesh.agent("edge", {
      ...mesh.clientConfiguration([server.endpoint]),
      gateways: [gateway],
    });
    await mesh.run(
      { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
      agent,
      { observers: [observer] },
    );
    return port;
  }

  test("tells its Gateway's and the route's over them, also of what has no route or cannot be read", async () => {
    await using mesh = new TestMesh();
    const observer = new Listening();
    const port = await scene(mesh, observer, ofWorkload);
    expect(await get(port, "/carts/7")).toBe(200);
    expect(await get(port, "/plain")).toBe(200);
    expect(await get(port, "/none")).toBe(404);
    const peer = await RawClient.connect(port);
    peer.write("GET / HTTP/1.1\r\nhost: b.example\r\n\r\n");
    expect((await peer.response()).status).toBe(404);
    peer.write("nonsense\r\n\r\n");
    expect((await peer.response()).status).toBe(400);
    await eventually(() => observer.told.length === 5, "five outcomes");
    expect(observer.told.map(({ ppm }) => ppm)).toEqual([0, 7, 7, 7, 7]);
    expect(observer.told[0]?.labels).toEqual(labels);
  });

  test("tells a route's own where its Gateway has none", async () => {
    await using mesh = new TestMesh();
    const observer = new Listening();
    const port = await scene(mesh, observer, undefined);
    expect(await get(port, "/carts/7")).toBe(200);
    expect(await get(port, "/plain")).toBe(200);
    await eventually(() => observer.told.length === 2, "two outcomes");
    expect(observer.told.map(({ ppm }) => ppm)).toEqual([0, undefined]);
  });
});
