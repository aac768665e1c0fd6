/** What happens at each limit, as a client sees it, and that it is counted. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { GatewaySchema, LimitsSchema, Protocol } from "../../model/index.ts";
import type { RunningProxy } from "../running-proxy.ts";
import { eventually, freePort } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

function meshWith(limits: MessageInitShape<typeof LimitsSchema>): TestMesh {
  const mesh = new TestMesh();
  mesh.mesh.limits = create(LimitsSchema, limits);
  return mesh;
}

function reached(proxy: RunningProxy, limit: string): number {
  const line = new RegExp(`^weft_limit_reached_total\\{limit="${limit}"\\} (\\d+)$`, "m");
  return Number(line.exec(proxy.metricsText())?.[1] ?? 0);
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join("");
}

describe("a request's head over HTTP/1.1", () => {
  test.each([
    ["max_headers", 431, `GET / HTTP/1.1\r\nhost: echo\r\n${fields(20)}\r\n`],
    ["max_header_bytes", 431, `GET / HTTP/1.1\r\nhost: echo\r\nx: ${"a".repeat(2_048)}\r\n\r\n`],
    ["max_uri_bytes", 414, `GET /${"a".repeat(600)} HTTP/1.1\r\nhost: echo\r\n\r\n`],
  ])("beyond %s is answered with %d", async (limit, status, request) => {
    await using mesh = meshWith({ maxHeaders: 10, maxHeaderBytes: 2_048, maxUriBytes: 512 });
    const client = await mesh.client([]);
    const peer = await RawClient.connect(client.port);
    peer.write(request);
    expect(await peer.toEnd()).toStartWith(`HTTP/1.1 ${status} `);
    expect(reached(client.proxy, limit)).toBe(1);
    const reason = status === 414 ? "uri_too_long" : "headers_too_large";
    expect(client.proxy.metricsText()).toContain(`error_type="${reason}"`);
  });
});

describe("a request's head over HTTP/2", () => {
  test.each([
    ["max_headers", 431, "/", Array.from({ length: 20 }, (_, i) => [`x-${i}`, "1"] as const)],
    ["max_header_bytes", 431, "/", [["x", "a".repeat(4_096)] as const]],
    ["max_uri_bytes", 414, `/${"a".repeat(600)}`, []],
  ])("beyond %s is answered with %d on its stream alone", async (limit, status, path, more) => {
    await using mesh = meshWith({ maxHeaders: 10, maxHeaderBytes: 2_048, maxUriBytes: 512 });
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await Http2Client.connect(client.port);
    expect((await peer.get(path, more).ended()).status).toBe(status);
    expect(reached(client.proxy, limit)).toBe(1);
    expect((await peer.get("/").ended()).body).toBe("hello");
    peer.close();
    app.stop();
  });

  test("one stream too many is refused unprocessed", async () => {
    await using mesh = meshWith({ maxConcurrentStreams: 1 });
    const client = await mesh.client([]);
    const peer = await Http2Client.connect(client.port);
    await peer.get("/").ended();
    expect(peer.session.canRequest).toBe(true);
    peer.get("/");
    expect(peer.session.canRequest).toBe(false);
    peer.close();
  });
});

describe("a response's head", () => {
  test.each([
    ["max_headers", fields(20)],
    ["max_header_bytes", `x: ${"a".repeat(2_048)}\r\n`],
  ])("beyond %s is a bad answer of the application", async (limit, lines) => {
    await using mesh = meshWith({ maxHeaders: 10, maxHeaderBytes: 2_048 });
    const app = cannedServer(`HTTP/1.1 200 OK\r\n${lines}content-length: 0\r\n\r\n`);
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(502);
    expect(reached(server.proxy, limit)).toBe(1);
    app.stop();
  });

  test("over HTTP/2 the same", async () => {
    await using mesh = meshWith({ maxHeaders: 10 });
    const many = Array.from({ length: 20 }, (_, i) => [`x-${i}`, "1"] as const);
    const app = new Http2Server((request) => request.answer([[":status", "200"], ...many]));
    const server = await mesh.server("echo-1", app.port, Protocol.HTTP2);
    const client = await mesh.client([server.endpoint]);
    const peer = await Http2Client.connect(client.port);
    expect((await peer.get("/").ended()).status).toBe(502);
    expect(reached(server.proxy, "max_headers")).toBe(1);
    peer.close();
    app.stop();
  });
});

describe("maxRequestsPerConnection", () => {
  test("the last answer of HTTP/1.1 says close", async () => {
    await using mesh = meshWith({ maxRequestsPerConnection: 2 });
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get + get + get);
    expect((await peer.response()).head).not.toContain("connection: close");
    const last = await peer.response();
    expect(last.status).toBe(200);
    expect(last.head.toLowerCase()).toContain("connection: close");
    expect(await peer.toEnd()).toBe("");
    expect(reached(client.proxy, "max_requests_per_connection")).toBe(1);
    app.stop();
  });

  test("HTTP/2 is told to go elsewhere, and what is under way is answered", async () => {
    await using mesh = meshWith({ maxRequestsPerConnection: 2 });
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await Http2Client.connect(client.port);
    const answers = [peer.get("/"), peer.get("/"), peer.get("/")];
    for (const answer of answers) expect((await answer.ended()).body).toBe("hello");
    await eventually(() => peer.session.isClosed, "the connection is closed");
    expect(reached(client.proxy, "max_requests_per_connection")).toBe(1);
    app.stop();
  });
});

describe("connections", () => {
  test("a new bound holds at once, on the listener that is open", async () => {
    await using mesh = meshWith({ maxConnections: 1 });
    const port = freePort();
    const gateway = create(GatewaySchema, {
      source: { kind: "Gateway", namespace: "default", name: "edge" },
      listeners: [{ name: "http", port, protocol: Protocol.HTTP, virtualHosts: [{ hostname: "*" }] }],
    });
    const configuration = { ...mesh.clientConfiguration([]), gateways: [gateway] };
    const agent = mesh.agent("edge", configuration);
    const proxy = await mesh.run(
      {
        ...mesh.bootstrap("edge", "edge"),
        role: "gateway",
        gateway: { kind: "tcp", address: "127.0.0.1" },
      },
      agent,
    );
    const first = await RawClient.connect(port);
    first.write(get);
    expect((await first.response()).status).toBe(404);
    const second = await RawClient.connect(port);
    await second.toEnd();
    expect(reached(proxy, "max_connections")).toBe(1);
    agent.configure({
      ...configuration,
      mesh: { ...mesh.mesh, limits: create(LimitsSchema, { maxConnections: 2 }) },
    });
    const third = await RawClient.connect(port);
    third.write(get);
    expect((await third.response()).status).toBe(404);
    expect(reached(proxy, "max_connections")).toBe(1);
  });
});

describe("what is read and thrown away", () => {
  test("of a body after an early answer is bounded", async () => {
    await using mesh = new TestMesh();
    const client = await mesh.client([]);
    const peer = await RawClient.connect(client.port);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 100000000\r\n\r\n");
    expect((await peer.response()).status).toBe(503);
    peer.write(Buffer.alloc(1_048_576));
    await peer.toEnd();
    expect(reached(client.proxy, "max_discarded_bytes")).toBe(1);
  });

  test("pipelined requests wait in the client once the bound is reached", async () => {
    await using mesh = new TestMesh();
    const app = rawServer(() => {});
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get.repeat(100_000));
    await eventually(() => reached(client.proxy, "max_pipelined_bytes") > 0, "the bound");
    peer.terminate();
    app.stop();
  });
});
