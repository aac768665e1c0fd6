/** A request through two sidecars, told to a real collector: one trace, with the right parents. */
import { describe, expect, test } from "bun:test";
import { type Endpoint, Protocol } from "../../model/index.ts";
import { type ReceivedSpan, TestCollector, testCollector } from "../testing/collector.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh, type TestServer } from "../testing/test-mesh.ts";
import { testTelemetry, type TelemetryParts } from "../testing/test-telemetry.ts";
import { App, broken, hello } from "../testing/world.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const callerSpan = "00f067aa0ba902b7";
const traceparent = `00-${traceId}-${callerSpan}-01`;

/** A mesh whose proxies all trace to one collector. */
class TracedMesh {
  readonly mesh = new TestMesh();
  readonly #collector: TestCollector;
  readonly #proxies: { drain(): Promise<void> }[] = [];

  constructor(collector: TestCollector, parts: TelemetryParts = {}) {
    this.#collector = collector;
    this.mesh.telemetry = testTelemetry({ collectors: [testCollector()], ...parts });
  }

  async server(
    app: { readonly port: number },
    name = "echo-1",
    protocol = Protocol.HTTP,
  ): Promise<TestServer> {
    const server = await this.mesh.server(name, app.port, protocol);
    const { mesh, inbound } = server.agent.snapshot;
    if (mesh === undefined || inbound === undefined) throw new Error("it has no configuration");
    server.agent.configure({ mesh, inbound, addresses: ["127.0.0.1"], ...this.#collector.model });
    this.#proxies.push(server.proxy);
    return server;
  }

  async client(endpoints: readonly Endpoint[], protocol = Protocol.HTTP): Promise<RawClient> {
    const { clusters, endpoints: collectors } = this.#collector.model;
    const change = (configuration: ReturnType<TestMesh["clientConfiguration"]>): typeof configuration => ({
      ...configuration,
      clusters: [...(configuration.clusters ?? []), ...clusters],
      endpoints: [...(configuration.endpoints ?? []), ...collectors],
    });
    const { proxy, port } = await this.mesh.client(endpoints, { protocol }, { change });
    this.#proxies.push(proxy);
    return RawClient.connect(port);
  }

  /** What they told when they had ended. */
  async spans(): Promise<readonly ReceivedSpan[]> {
    await Promise.all(this.#proxies.map((proxy) => proxy.drain()));
    return this.#collector.spans;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mesh[Symbol.asyncDispose]();
  }
}

function childrenOf(spans: readonly ReceivedSpan[], parentSpanId: string): ReceivedSpan[] {
  return spans.filter((span) => span.parentSpanId === parentSpanId);
}

const request = (lines: string): string => `GET /items?secret=1 HTTP/1.1\r\nhost: echo:80\r\n${lines}\r\n`;

describe("a request through two sidecars", () => {
  test("is one trace: the request's span, its try, the server's, and the application goes on with it", async () => {
    using collector = await TestCollector.start();
    const app = new App(hello);
    await using traced = new TracedMesh(collector);
    const { endpoint } = await traced.server(app);
    const peer = await traced.client([endpoint]);
    peer.write(request(`traceparent: ${traceparent}\r\ntracestate: vendor=1\r\nx-request-id: id-1\r\n`));
    expect((await peer.response()).status).toBe(200);
    peer.close();
    const spans = await traced.spans();
    expect(spans).toHaveLength(3);
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    const [outbound] = childrenOf(spans, callerSpan);
    const [attempt] = childrenOf(spans, outbound?.spanId ?? "");
    const [inbound] = childrenOf(spans, attempt?.spanId ?? "");
    expect(outbound).toMatchObject({ kind: "client", name: "GET", isError: false, traceState: "vendor=1" });
    expect(outbound?.attributes).toMatchObject({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "url.path": "/items",
      "server.address": "echo",
      "server.port": 80,
      "network.protocol.version": "1.1",
      "network.peer.address": "127.0.0.1",
      "weft.request.id": "id-1",
      "weft.mtls": true,
      "weft.source.workload": "default/web",
      "weft.destination.workload": "default/echo-1",
      "weft.destination.service": "default/echo",
      "weft.tries": 1,
    });
    expect(Object.keys(outbound?.attributes ?? {})).not.toContain("url.query");
    expect(attempt).toMatchObject({ kind: "client", isError: false });
    expect(attempt?.attributes).not.toHaveProperty(["http.request.resend_count"]);
    expect(inbound).toMatchObject({ kind: "server", isError: false });
    expect(inbound?.resource).toMatchObject({
      "service.name": "echo-1",
      "service.namespace": "default",
      "service.instance.id": "default.echo-1",
      "weft.role": "sidecar",
    });
    expect(app.requests[0]).toContain(`\r\ntraceparent: 00-${traceId}-${inbound?.spanId}-01\r\n`);
    expect(app.requests[0]).toContain("\r\ntracestate: vendor=1\r\n");
    // Two proxies, two readings of a wall clock that tells milliseconds.
    expect(inbound?.startNanos).toBeGreaterThanOrEqual((outbound?.startNanos ?? 0n) - 5_000_000n);
    expect(inbound?.endNanos).toBeLessThanOrEqual((outbound?.endNanos ?? 0n) + 5_000_000n);
  });

  test("that is tried again has a span for each try, under which its server's stands", async () => {
    using collector = await TestCollector.start();
    const [bad, good] = [new App(broken), new App(hello)];
    await using traced = new TracedMesh(collector, { tracing: { samplingPpm: 0 } });
    const servers = [await traced.server(bad, "echo-1"), await traced.server(good, "echo-2")];
    const peer = await traced.client(servers.map(({ endpoint }) => endpoint));
    while (bad.requests.length === 0) {
      peer.write(request(""));
      expect((await peer.response()).status).toBe(200);
    }
    peer.close();
    const spans = await traced.spans();
    // Only the one with a failed try was kept, and of its servers only the one that failed.
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1);
    const [outbound] = childrenOf(spans, "");
    expect(outbound).toMatchObject({ kind: "client", isError: false, flags: 0x300 });
    expect(outbound?.attributes).toMatchObject({ "weft.tries": 2 });
    expect(outbound?.events.filter(({ name }) => name === "weft.retry")).toEqual([
      { name: "weft.retry", attributes: { "http.request.resend_count": 1, "error.type": "503" } },
    ]);
    const [first, second, ...others] = childrenOf(spans, outbound?.spanId ?? "");
    expect(others).toEqual([]);
    expect(first).toMatchObject({ isError: true, attributes: { "error.type": "503" } });
    expect(second).toMatchObject({ isError: false, attributes: { "http.request.resend_count": 1 } });
    const [failed] = childrenOf(spans, first?.spanId ?? "");
    expect(failed).toMatchObject({ kind: "server", isError: true, resource: { "service.name": "echo-1" } });
    expect(childrenOf(spans, second?.spanId ?? "")).toEqual([]);
    const told = good.requests.find((each) => each.includes(outbound?.traceId ?? "-"));
    // It was not sampled at its head, and nobody was told otherwise.
    expect(told).toMatch(/\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n/);
    for (const app of [bad, good]) app.server.stop();
  });

  test("that nobody answers is kept although it was not sampled", async () => {
    using collector = await TestCollector.start();
    await using traced = new TracedMesh(collector, { tracing: { samplingPpm: 0 } });
    const peer = await traced.client([]);
    peer.write(request(""));
    expect((await peer.response()).status).toBe(503);
    peer.close();
    const [span, ...others] = await traced.spans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      kind: "client",
      isError: true,
      attributes: { "error.type": "no_endpoint", "http.response.status_code": 503 },
    });
  });

  test("that went well and quickly is not told where it was not sampled, but the application gets ids", async () => {
    using collector = await TestCollector.start();
    const app = new App(hello);
    await using traced = new TracedMesh(collector, { tracing: { samplingPpm: 0 } });
    const { endpoint } = await traced.server(app);
    const peer = await traced.client([endpoint]);
    peer.write(request(""));
    expect((await peer.response()).status).toBe(200);
    peer.close();
    expect(await traced.spans()).toEqual([]);
    expect(app.requests[0]).toMatch(/\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n/);
    app.server.stop();
  });

  test("that the parent did not sample is not", async () => {
    using collector = await TestCollector.start();
    const app = new App(hello);
    await using traced = new TracedMesh(collector, { tracing: { samplingPpm: 1_000_000 } });
    const { endpoint } = await traced.server(app);
    const peer = await traced.client([endpoint]);
    peer.write(request(`traceparent: 00-${traceId}-${callerSpan}-00\r\n`));
    await peer.response();
    peer.close();
    expect(await traced.spans()).toEqual([]);
    app.server.stop();
  });
});

test("without tracing, headers pass untouched", async () => {
  await using mesh = new TestMesh();
  const app = new App(hello);
  const { endpoint } = await mesh.server("echo-1", app.port);
  const client = await mesh.client([endpoint]);
  const peer = await RawClient.connect(client.port);
  const lines = "traceparent: what is this\r\nb3: 0\r\ntracestate: ,,\r\nx-b3-flags: 7\r\n";
  peer.write(request(lines));
  expect((await peer.response()).status).toBe(200);
  expect(app.requests[0]).toContain(lines);
  app.server.stop();
});

describe("a raw connection through two sidecars", () => {
  test("has spans at both ends, joined by the hop's preface", async () => {
    using collector = await TestCollector.start();
    await using traced = new TracedMesh(collector, { tracing: { samplingPpm: 1_000_000 } });
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const { endpoint } = await traced.server(app, "echo-1", Protocol.TCP);
    const peer = await traced.client([endpoint], Protocol.TCP);
    peer.write("ping");
    await peer.until("ping");
    peer.close();
    const spans = await traced.spans();
    const [outbound] = childrenOf(spans, "");
    const [inbound, ...others] = childrenOf(spans, outbound?.spanId ?? "");
    expect(others).toEqual([]);
    expect(inbound?.traceId).toBe(outbound?.traceId ?? "");
    expect(outbound).toMatchObject({ kind: "client", name: "TCP", isError: false });
    expect(outbound?.attributes).toMatchObject({
      "network.transport": "tcp",
      "weft.request.bytes": 4,
      "weft.response.bytes": 4,
      "weft.destination.workload": "default/echo-1",
    });
    expect(inbound).toMatchObject({ kind: "server", name: "TCP" });
    expect(inbound?.attributes).toMatchObject({ "weft.source.workload": "default/web" });
    app.stop();
  });

  test("that reaches nobody is kept although it was not sampled", async () => {
    using collector = await TestCollector.start();
    await using traced = new TracedMesh(collector, { tracing: { samplingPpm: 0 } });
    const peer = await traced.client([], Protocol.TCP);
    await peer.toEnd();
    const [span] = await traced.spans();
    expect(span).toMatchObject({ isError: true, attributes: { "error.type": "no_endpoint" } });
  });
});
