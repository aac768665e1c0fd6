/** What is left of an HTTP request's time, told from proxy to proxy: who is believed, who enforces it, what each is told. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import {
  ClusterSchema,
  GatewaySchema,
  Protocol,
  type RequestPolicySchema,
  Tunnel,
} from "../../model/index.ts";
import { freePort } from "../testing/eventually.ts";
import { RawClient, type RawServer, rawServer, type RawServerSocket } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import type { FakeConfiguration } from "../testing/fake-agent.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

function getWith(field: string): string {
  return `GET / HTTP/1.1\r\nhost: echo\r\n${field === "" ? "" : `${field}\r\n`}\r\n`;
}

interface Seen {
  readonly app: RawServer;
  readonly heads: string[];
}

function recorder(answer: (peer: RawServerSocket) => void): Seen {
  const heads: string[] = [];
  const app = rawServer((peer) => {
    heads.push(peer.received);
    peer.received = "";
    answer(peer);
  });
  return { app, heads };
}

function withPolicy(
  requests: MessageInitShape<typeof RequestPolicySchema>,
): (configuration: FakeConfiguration) => FakeConfiguration {
  return (configuration) => ({
    ...configuration,
    clusters: [create(ClusterSchema, { namespace: "default", service: "echo", port: 80, requests })],
  });
}

function toldMs(head: string | undefined): number | undefined {
  const text = /\r\nweft-try: (?:attempt=\d+, )?timeout=(?<ms>\d+)\r\n/.exec(head ?? "")?.groups?.["ms"];
  return text === undefined ? undefined : Number(text);
}

describe("through two sidecars", () => {
  async function send(
    field: string,
    requests: MessageInitShape<typeof RequestPolicySchema>,
  ): Promise<string> {
    await using mesh = new TestMesh();
    const { app, heads } = recorder((peer) => void peer.socket.write(hello));
    const { endpoint } = await mesh.server("echo-1", app.port);
    const { port } = await mesh.client([endpoint], {}, { change: withPolicy(requests) });
    const peer = await RawClient.connect(port);
    peer.write(getWith(field));
    expect((await peer.response()).status).toBe(200);
    app.stop();
    return heads[0] ?? "";
  }

  test("a request without a timeout carries nothing", async () => {
    expect(await send("", {})).not.toContain("weft-");
  });

  test("the application is told what is left of the policy's timeout", async () => {
    const told = toldMs(await send("", { requestTimeoutMs: 5_000 })) ?? 0;
    expect(told).toBeLessThanOrEqual(5_000);
    expect(told).toBeGreaterThan(3_000);
  });

  test("what the application hands on shortens the time and never lengthens it", async () => {
    expect(toldMs(await send("weft-try: timeout=3000", { requestTimeoutMs: 5_000 }))).toBeLessThanOrEqual(
      3_000,
    );
    expect(toldMs(await send("weft-try: timeout=9000", { requestTimeoutMs: 5_000 }))).toBeLessThanOrEqual(
      5_000,
    );
    expect(toldMs(await send("weft-try: timeout=3000", {}))).toBeLessThanOrEqual(3_000);
    expect(await send("weft-try: nonsense, timeout=-1, timeout=1e9, attempt=x", {})).not.toContain("weft-");
  });

  test("what serves a retry says so, and is not multiplied", async () => {
    await using mesh = new TestMesh();
    const { app, heads } = recorder((peer) => {
      peer.socket.write("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    });
    const { endpoint } = await mesh.server("echo-1", app.port);
    const { port } = await mesh.client([endpoint]);
    const peer = await RawClient.connect(port);
    peer.write(getWith("weft-try: attempt=1"));
    expect((await peer.response()).status).toBe(503);
    expect(heads).toHaveLength(1);
    expect(heads[0]).toContain("\r\nweft-try: attempt=1\r\n");
    app.stop();
  });
});

test("an inbound proxy enforces what its peer says, and ends the work", async () => {
  await using mesh = new TestMesh();
  const { app, heads } = recorder(() => {});
  const server = await mesh.server("echo-1", app.port);
  // Time stands still at the caller's proxy, so that it ends nothing.
  const { port } = await mesh.client([server.endpoint], {}, { clock: new VirtualClock() });
  const peer = await RawClient.connect(port);
  peer.write(getWith("weft-try: timeout=50"));
  expect((await peer.response()).status).toBe(504);
  expect(heads).toHaveLength(1);
  app.stop();
});

test("at the edge nothing of it comes in, and nothing goes out", async () => {
  await using mesh = new TestMesh();
  const inside = recorder((peer) => void peer.socket.write(hello));
  const outside = recorder((peer) => void peer.socket.write(hello));
  const { endpoint } = await mesh.server("echo-1", inside.app.port);
  const bare = {
    ...endpoint,
    cluster: "default/bare:80",
    workload: "default/bare",
    port: outside.app.port,
    tunnel: Tunnel.NONE,
  };
  const port = freePort();
  const rule = (cluster: string): object => ({ requestTimeoutMs: 4_000, backends: [{ cluster, weight: 1 }] });
  const agent = mesh.agent("edge", {
    ...mesh.clientConfiguration([endpoint, bare]),
    gateways: [
      create(GatewaySchema, {
        source: { kind: "Gateway", namespace: "default", name: "edge" },
        listeners: [
          {
            name: "http",
            port,
            protocol: Protocol.HTTP,
            virtualHosts: [
              {
                hostname: "*",
                http: {
                  entries: [
                    { match: { path: { case: "pathExact", value: "/" } }, rule: 0 },
                    { match: { path: { case: "pathExact", value: "/bare" } }, rule: 1 },
                  ],
                  rules: [rule("default/echo:80"), rule("default/bare:80")],
                },
              },
            ],
          },
        ],
      }),
    ],
  });
  const bootstrap = mesh.bootstrap("edge", "edge");
  await mesh.run({ ...bootstrap, role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } }, agent);
  const peer = await RawClient.connect(port);
  peer.write(getWith("weft-try: attempt=7, timeout=1"));
  expect((await peer.response()).status).toBe(200);
  expect(toldMs(inside.heads[0])).toBeGreaterThan(1_000);
  expect(inside.heads[0]).not.toContain("attempt");
  peer.write(getWith("weft-try: attempt=7, timeout=1").replace("GET /", "GET /bare"));
  expect((await peer.response()).status).toBe(200);
  expect(outside.heads[0]).not.toContain("weft-");
  inside.app.stop();
  outside.app.stop();
});
