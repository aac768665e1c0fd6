/** What becomes of a request when client, application or endpoint misbehaves. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { HttpRoutingSchema } from "../../model/index.ts";
import { eventually, freePort, scrape } from "../testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

describe("bad clients", () => {
  test.each([
    ["GET / HTTP/1.1\r\nhost : echo\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nhost: echo\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nhost: echo\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501],
  ])("%j is answered with %d and the connection closed", async (request, status) => {
    await using mesh = new TestMesh();
    const client = await mesh.client([]);
    const peer = await RawClient.connect(client.port);
    peer.write(request);
    expect(await peer.toEnd()).toStartWith(`HTTP/1.1 ${status} `);
    expect(await scrape(client.proxy)).toMatch(/error_type="(malformed_request|unsupported_request)"/);
  });

  test("a malformed chunk in a body ends the upstream request too", async () => {
    await using mesh = new TestMesh();
    let closed = 0;
    let received = 0;
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => void received++, close: () => void closed++ },
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await eventually(() => received > 0, "the request arrives");
    peer.write("zz\r\n");
    expect(await peer.toEnd()).toStartWith("HTTP/1.1 400 ");
    await eventually(() => closed === 1, "the application's connection is closed");
    app.stop(true);
  });

  test("a client that leaves cancels its request at the application", async () => {
    await using mesh = new TestMesh();
    let closed = 0;
    let requests = 0;
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => void requests++, close: () => void closed++ },
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    await eventually(() => requests === 1, "the request arrives");
    peer.terminate();
    await eventually(() => closed === 1, "the application's connection is closed");
    await eventually(
      async () => (await scrape(client.proxy)).includes('error_type="client_closed"'),
      "counted",
    );
    app.stop(true);
  });
});

describe("bad applications", () => {
  test("an answer that is no HTTP becomes 502", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("SMTP ready\r\n\r\n");
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    const response = await peer.response();
    expect(response.status).toBe(502);
    expect(response.body).toMatch(/^upstream error, request [0-9a-z-]+\n$/);
    app.stop();
  });

  test("an answer cut short is cut short for the client, never completed", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      peer.socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    await peer.until("part");
    await expect(peer.bytes(96)).rejects.toThrow("ended");
    app.stop();
  });

  test("the request timeout answers 504 and really ends the work", async () => {
    await using mesh = new TestMesh();
    let closed = 0;
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data() {}, close: () => void closed++ },
    });
    const server = await mesh.server("echo-1", app.port);
    const http = create(HttpRoutingSchema, {
      entries: [{ match: {}, rule: 0 }],
      rules: [{ requestTimeoutMs: 50, backends: [{ cluster: "default/echo:80", weight: 1 }] }],
    });
    const client = await mesh.client([server.endpoint], { http });
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    const response = await peer.response();
    expect(response.status).toBe(504);
    await eventually(() => closed === 1, "the application's connection is closed");
    // The client's connection survives: it did nothing wrong.
    peer.write(get);
    expect((await peer.response()).status).toBe(504);
    app.stop(true);
  });

  test("an application may not claim that it did not process a request", async () => {
    await using mesh = new TestMesh();
    let requests = 0;
    const app = rawServer((peer) => {
      requests++;
      peer.received = "";
      peer.socket.write("HTTP/1.1 503 No\r\nweft-unprocessed: no_endpoint\r\ncontent-length: 2\r\n\r\nno");
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 0\r\n\r\n");
    const response = await peer.response();
    expect(response.body).toBe("no");
    expect(response.head).not.toContain("weft-unprocessed");
    expect(requests).toBe(1);
    app.stop();
  });
});

describe("retries", () => {
  test("an endpoint that cannot be connected is passed over, with the body", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("payload")) return;
      peer.received = "";
      peer.socket.write(hello);
    });
    const good = await mesh.server("echo-1", app.port);
    const dead = { ...good.endpoint, workload: "default/echo-2", tunnelPort: freePort() };
    const client = await mesh.client([good.endpoint, dead]);
    const peer = await RawClient.connect(client.port);
    for (let i = 0; i < 20; i++) {
      peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 7\r\n\r\npayload");
      expect((await peer.response()).status).toBe(200);
    }
    const text = await scrape(client.proxy);
    // Remembered: not one failed connect for each of the twenty.
    const failures = Number(/weft_upstream_connect_failures_total\{[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
    expect(failures).toBeLessThanOrEqual(3);
    app.stop();
  });

  test("a peer whose application is down hands the request back, and another endpoint gets it", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const good = await mesh.server("echo-1", app.port);
    const empty = await mesh.server("echo-2", freePort());
    const client = await mesh.client([good.endpoint, empty.endpoint]);
    const peer = await RawClient.connect(client.port);
    for (let i = 0; i < 20; i++) {
      peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nhi");
      expect((await peer.response()).status).toBe(200);
    }
    app.stop();
  });

  test("when no endpoint is left the client is told without internals", async () => {
    await using mesh = new TestMesh();
    const empty = await mesh.server("echo-1", freePort());
    const client = await mesh.client([empty.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    const response = await peer.response();
    expect(response.status).toBe(503);
    expect(response.head).not.toContain("weft-unprocessed");
    expect(response.body).toMatch(/^upstream error, request/);
    expect(await scrape(client.proxy)).toContain('error_type="application_unreachable"');
  });

  test("a reused connection that dies under a GET is replaced, under a POST it is not", async () => {
    await using mesh = new TestMesh();
    let connections = 0;
    let requests = 0;
    const app = Bun.listen<{ served: number }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          connections++;
          socket.data = { served: 0 };
        },
        data(socket) {
          requests++;
          // The first request of a connection is answered; the second finds it dead.
          if (socket.data.served++ === 0) socket.write(hello);
          else socket.terminate();
        },
      },
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(200);
    peer.write(get);
    expect((await peer.response()).status).toBe(200);
    expect([connections, requests]).toEqual([2, 3]);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nhi");
    expect((await peer.response()).status).toBe(502);
    expect(requests).toBe(4);
    app.stop(true);
  });

  test("an idle pooled connection that the application closes is not used again", async () => {
    await using mesh = new TestMesh();
    let closedByApp = 0;
    const app = rawServer((peer) => {
      peer.received = "";
      peer.socket.write(hello);
      setTimeout(() => {
        peer.socket.end();
        closedByApp++;
      }, 5);
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    for (let i = 1; i <= 3; i++) {
      peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nhi");
      expect((await peer.response()).status).toBe(200);
      await eventually(() => closedByApp === i, "closed");
      await Bun.sleep(5);
    }
    expect(app.connections.length).toBe(3);
    app.stop();
  });
});
