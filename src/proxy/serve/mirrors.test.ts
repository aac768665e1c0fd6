/** Copies of requests for mirrors: they carry what the backend gets, and whatever becomes of them the request does not notice. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  BackendSchema,
  type Endpoint,
  HttpRoutingSchema,
  HttpRuleSchema,
  MirrorSchema,
  Protocol,
} from "../../model/index.ts";
import { eventually, freePort, scrape } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const shadow = "default/shadow:80";
const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

function mirrored(rule: MessageInitShape<typeof HttpRuleSchema> = {}, clusters = [shadow]) {
  const message = create(HttpRuleSchema, rule);
  message.backends = [create(BackendSchema, { cluster: "default/echo:80", weight: 1 })];
  message.mirrors = clusters.map((cluster) =>
    create(MirrorSchema, { backend: { cluster, weight: 1 }, numerator: 1, denominator: 1 }),
  );
  return create(HttpRoutingSchema, {
    entries: [{ match: { path: { case: "pathPrefix", value: "/old" } }, rule: 0 }],
    rules: [message],
  });
}

function inShadow(endpoint: Endpoint): Endpoint {
  return { ...endpoint, cluster: shadow };
}

async function outcome(proxy: Parameters<typeof scrape>[0], name: string, count: number): Promise<void> {
  const line = `weft_mirrored_requests_total{outcome="${name}"} ${count}\n`;
  await eventually(async () => (await scrape(proxy)).includes(line), line.trim());
}

test("a mirror gets what the backend gets, and its answer goes nowhere", async () => {
  await using mesh = new TestMesh();
  const app = rawServer((peer) => void (peer.received.endsWith("abc") && peer.socket.write(ok)));
  const copy = rawServer((peer) => {
    if (!peer.received.endsWith("abc")) return;
    peer.socket.write("HTTP/1.1 500 No\r\ncontent-length: 3\r\n\r\nbad");
  });
  const server = await mesh.server("echo-1", app.port);
  const other = await mesh.server("shadow-1", copy.port);
  const http = mirrored({
    requestHeaders: { set: [{ name: "x-env", value: "prod" }] },
    rewrite: { hostname: "new.example.com", path: { kind: { case: "prefix", value: "/new" } } },
  });
  const client = await mesh.client([server.endpoint, inShadow(other.endpoint)], { http });
  const peer = await RawClient.connect(client.port);
  peer.write("POST /old/a?b HTTP/1.1\r\nhost: echo\r\nx-kept: 1\r\ncontent-length: 3\r\n\r\nabc");
  const response = await peer.response();
  expect([response.status, response.body]).toEqual([200, "ok"]);
  await outcome(client.proxy, "error_answered", 1);
  const sent = copy.connections[0]?.received ?? "";
  expect(sent).toStartWith("POST /new/a?b HTTP/1.1\r\nhost: new.example.com\r\n");
  expect(sent).toBe(app.connections[0]?.received ?? "");
  // The golden signals of this side know the request itself only.
  const edges = client.agent.telemetry?.take()?.edges ?? [];
  expect(edges.map((edge) => [edge.destinationWorkload, edge.count])).toEqual([["default/echo-1", 1n]]);
  app.stop();
  copy.stop();
});

test("several mirrors get a copy each, over HTTP/2 with the whole call", async () => {
  await using mesh = new TestMesh();
  const echo = (): Http2Server =>
    new Http2Server((request) => {
      void request.message.ended().then(() => request.answer([[":status", "200"]], request.message.body));
    });
  const [app, ...copies] = [echo(), echo(), echo()];
  const server = await mesh.server("echo-1", app?.port ?? 0, Protocol.HTTP2);
  const endpoints = [server.endpoint];
  for (const [index, copy] of copies.entries()) {
    const each = await mesh.server(`shadow-${index}`, copy.port, Protocol.HTTP2);
    endpoints.push({ ...each.endpoint, cluster: `default/shadow-${index}:80` });
  }
  const http = mirrored({}, ["default/shadow-0:80", "default/shadow-1:80"]);
  const client = await mesh.client(endpoints, { http });
  const peer = await Http2Client.connect(client.port);
  const call = await peer
    .post("/old", "hello", [["content-type", "application/grpc"]], [["x-end", "1"]])
    .ended();
  expect(call.body).toBe("hello");
  await outcome(client.proxy, "answered", 2);
  for (const copy of copies) {
    expect(copy.requests.map(({ message }) => [message.body, message.trailers?.get("x-end")])).toEqual([
      ["hello", "1"],
    ]);
  }
  peer.close();
  for (const each of [app, ...copies]) each?.stop();
});

test.each([
  ["failed", "cannot be reached"],
  ["no_endpoint", "has no endpoint"],
])("%s: where a mirror %s the request goes on", async (expected) => {
  await using mesh = new TestMesh();
  const app = cannedServer(ok);
  const server = await mesh.server("echo-1", app.port);
  const endpoints = [server.endpoint];
  const gone = { ...inShadow(server.endpoint), tunnelPort: freePort() };
  // A cluster is known to the proxy also where none of its endpoints may be chosen.
  endpoints.push(expected === "failed" ? gone : { ...gone, weight: 0 });
  const client = await mesh.client(endpoints, { http: mirrored() });
  const peer = await RawClient.connect(client.port);
  peer.write("GET /old HTTP/1.1\r\nhost: echo\r\n\r\n");
  expect((await peer.response()).body).toBe("ok");
  await outcome(client.proxy, expected, 1);
  app.stop();
});

test("a mirror that does not read loses its copy, and the upload does not wait for it", async () => {
  await using mesh = new TestMesh();
  let received = 0;
  const length = 32 * 1024 * 1024;
  const app = rawServer((peer, chunk) => {
    peer.received = "";
    received += chunk.length;
    if (received >= length) peer.socket.write(ok);
  });
  const copy = rawServer((peer) => void peer.socket.pause());
  const server = await mesh.server("echo-1", app.port);
  const other = await mesh.server("shadow-1", copy.port);
  const client = await mesh.client([server.endpoint, inShadow(other.endpoint)], { http: mirrored() });
  const peer = await RawClient.connect(client.port);
  peer.write(`POST /old HTTP/1.1\r\nhost: echo\r\ncontent-length: ${length}\r\n\r\n`);
  peer.write(Buffer.alloc(length, "x"));
  expect((await peer.response()).body).toBe("ok");
  await outcome(client.proxy, "body_too_slow", 1);
  app.stop();
  copy.stop();
});

test("a mirror that does not answer is let go after the route's timeout", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(ok);
  const copy = rawServer(() => {});
  const server = await mesh.server("echo-1", app.port);
  const other = await mesh.server("shadow-1", copy.port);
  const http = mirrored({ requestTimeoutMs: 300 });
  const client = await mesh.client([server.endpoint, inShadow(other.endpoint)], { http });
  const peer = await RawClient.connect(client.port);
  peer.write("GET /old HTTP/1.1\r\nhost: echo\r\n\r\n");
  expect((await peer.response()).body).toBe("ok");
  await outcome(client.proxy, "timed_out", 1);
  app.stop();
  copy.stop();
});

test("a request that is broken off breaks off its copy", async () => {
  await using mesh = new TestMesh();
  const app = rawServer(() => {});
  const copy = rawServer(() => {});
  const server = await mesh.server("echo-1", app.port);
  const other = await mesh.server("shadow-1", copy.port);
  const client = await mesh.client([server.endpoint, inShadow(other.endpoint)], { http: mirrored() });
  const peer = await RawClient.connect(client.port);
  peer.write("POST /old HTTP/1.1\r\nhost: echo\r\ncontent-length: 9\r\n\r\nabc");
  await eventually(() => copy.connections[0]?.received.endsWith("abc") === true, "the copy begins");
  peer.terminate();
  await outcome(client.proxy, "cut_short", 1);
  app.stop();
  copy.stop();
});

test("a request that is tried again is mirrored once", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(ok);
  const copy = cannedServer(ok);
  const server = await mesh.server("echo-1", app.port);
  const dead = { ...server.endpoint, workload: "default/dead", tunnelPort: freePort() };
  const other = await mesh.server("shadow-1", copy.port);
  const client = await mesh.client([dead, server.endpoint, inShadow(other.endpoint)], { http: mirrored() });
  const peer = await RawClient.connect(client.port);
  const requests = 20;
  for (let i = 0; i < requests; i++) {
    peer.write("GET /old HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect((await peer.response()).body).toBe("ok");
  }
  expect(await scrape(client.proxy)).toContain('weft_retries_total{reason="upstream_connect_failed"}');
  await outcome(client.proxy, "answered", requests);
  app.stop();
  copy.stop();
});

test("a tunnel is not mirrored", async () => {
  await using mesh = new TestMesh();
  const app = rawServer((peer) => {
    peer.socket.write("HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
  });
  const copy = cannedServer(ok);
  const server = await mesh.server("echo-1", app.port);
  const other = await mesh.server("shadow-1", copy.port);
  const client = await mesh.client([server.endpoint, inShadow(other.endpoint)], { http: mirrored() });
  const peer = await RawClient.connect(client.port);
  peer.write("GET /old HTTP/1.1\r\nhost: echo\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
  expect(await peer.until("\r\n\r\n")).toContain("101");
  expect(await scrape(client.proxy)).not.toContain("weft_mirrored_requests_total{");
  expect(copy.connections).toEqual([]);
  app.stop();
  copy.stop();
});

test("copies at once are bounded: what comes beyond goes on without one", async () => {
  await using mesh = new TestMesh();
  const app = new Http2Server((request) => request.answer([[":status", "200"]], "ok"));
  const copy = new Http2Server(() => {}, { maxConcurrentStreams: 2_000 });
  const server = await mesh.server("echo-1", app.port, Protocol.HTTP2);
  const other = await mesh.server("shadow-1", copy.port, Protocol.HTTP2);
  const client = await mesh.client([server.endpoint, inShadow(other.endpoint)], { http: mirrored() });
  for (let round = 0; round < 11; round++) {
    const peer = await Http2Client.connect(client.port);
    const calls = Array.from({ length: 100 }, () => peer.get("/old").ended());
    for (const call of await Promise.all(calls)) expect(call.status).toBe(200);
    peer.close();
  }
  const text = await scrape(client.proxy);
  expect(text).toContain('weft_mirrored_requests_total{outcome="overloaded"} 76\n');
  expect(text).toContain('weft_limit_reached_total{limit="max_mirrored_requests"} 76\n');
  app.stop();
  copy.stop();
});
