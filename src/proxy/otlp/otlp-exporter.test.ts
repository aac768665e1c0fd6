/** The exporter against real receivers that take, refuse, are slow, and break. */
import { describe, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { VirtualClock } from "../../kernel/index.ts";
import { CollectorProtocol, Protocol } from "../../model/index.ts";
import { StatusSchema } from "../../wire/index.ts";
import { type CollectorAnswer, TestCollector, testCollector } from "../testing/collector.ts";
import { eventually, freePort } from "../testing/eventually.ts";
import { gatherMs, maxTries, queueBounds, requestBounds } from "./signal-exporter.ts";
import { ExportingProxy } from "./test/exporting-proxy.ts";

/** A proxy that tells a collector over gRPC, and whose waits the test decides. */
async function scene(
  answer: (request: number) => CollectorAnswer,
  settings: Parameters<typeof testCollector>[0] = {},
): Promise<{ collector: TestCollector; clock: VirtualClock; proxy: ExportingProxy } & Disposable> {
  const collector = await TestCollector.start(answer);
  const clock = new VirtualClock();
  const proxy = new ExportingProxy(collector.port, { clock }).apply(testCollector(settings));
  return {
    ...{ collector, clock, proxy },
    [Symbol.dispose]() {
      proxy[Symbol.dispose]();
      collector[Symbol.dispose]();
    },
  };
}

const has = (proxy: ExportingProxy, count: string): Promise<void> =>
  eventually(() => proxy.counts.includes(count), `${count}, but ${proxy.counts.join(", ")}`);

describe("over gRPC", () => {
  test("spans that came within five seconds are one request", async () => {
    using all = await scene(() => ({}), {
      headers: [{ $typeName: "weft.model.v1.Header", name: "X-Key", value: "k" }],
    });
    const { collector, clock, proxy } = all;
    proxy.spans(3);
    clock.advance(gatherMs - 1);
    expect(collector.requests).toHaveLength(0);
    clock.advance(1);
    await has(proxy, "traces sent 3");
    expect(collector.requests).toHaveLength(1);
    expect(collector.spans).toHaveLength(3);
    expect(collector.spans[0]?.resource).toMatchObject({ "service.name": "cart", "service.version": "2" });
    expect(collector.metadata[0]?.get("x-key")).toEqual(["k"]);
    expect(proxy.warnings).toEqual([]);
  });

  test("a full request goes at once", async () => {
    using all = await scene(() => ({}));
    all.proxy.spans(requestBounds.maxItems);
    await has(all.proxy, `traces sent ${requestBounds.maxItems}`);
  });

  test("an unavailable collector is asked again, and the log says it once each way", async () => {
    using all = await scene((request) => (request <= 2 ? { code: status.UNAVAILABLE } : {}));
    const { clock, proxy } = all;
    proxy.spans(1);
    clock.advance(gatherMs);
    for (let retry = 1; retry <= 2; retry++) {
      await has(proxy, `traces retries ${retry}`);
      clock.advance(30_000);
    }
    await has(proxy, "traces sent 1");
    expect(proxy.warnings).toHaveLength(1);
  });

  test("waits as long as RetryInfo says", async () => {
    // Any { RetryInfo { 1: Duration { 1: 42 seconds } } }
    const info = create(AnySchema, {
      typeUrl: "type.googleapis.com/google.rpc.RetryInfo",
      value: Uint8Array.of(0x0a, 0x02, 0x08, 42),
    });
    const details = toBinary(StatusSchema, create(StatusSchema, { code: 8, details: [info] }));
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from(details));
    using all = await scene((request) =>
      request === 1 ? { code: status.RESOURCE_EXHAUSTED, metadata } : {},
    );
    const { clock, proxy, collector } = all;
    proxy.spans(1);
    clock.advance(gatherMs);
    await has(proxy, "traces retries 1");
    clock.advance(41_999);
    expect(collector.requests).toHaveLength(1);
    clock.advance(1);
    await has(proxy, "traces sent 1");
  });

  test.each([
    ["invalid argument", status.INVALID_ARGUMENT],
    ["exhausted without a word of when", status.RESOURCE_EXHAUSTED],
    ["unauthenticated", status.UNAUTHENTICATED],
  ])("what it refuses (%s) is dropped and counted", async (_name, code) => {
    using all = await scene(() => ({ code }));
    all.proxy.spans(2);
    all.clock.advance(gatherMs);
    await has(all.proxy, "traces refused dropped 2");
    expect(all.collector.requests).toHaveLength(1);
  });

  test("what it rejects of a request is counted", async () => {
    using all = await scene(() => ({ partial_success: { rejected_spans: 2, error_message: "too old" } }));
    all.proxy.spans(5);
    all.clock.advance(gatherMs);
    await has(all.proxy, "traces rejected dropped 2");
    expect(all.proxy.counts).toContain("traces sent 3");
    expect(all.proxy.warnings[0]).toContain("it rejected 2: too old");
  });

  test("after five tries a request is dropped, and the next one goes", async () => {
    using all = await scene(() => ({ code: status.UNAVAILABLE }));
    const { clock, proxy, collector } = all;
    proxy.spans(1);
    clock.advance(gatherMs);
    for (let retry = 1; retry < maxTries; retry++) {
      await has(proxy, `traces retries ${retry}`);
      clock.advance(30_000);
    }
    await has(proxy, "traces retries_exhausted dropped 1");
    collector.answer = () => ({});
    proxy.spans(1);
    clock.advance(gatherMs);
    await has(proxy, "traces sent 1");
  });

  test("of a collector that is silent, what waits is bounded and the rest counted", async () => {
    using all = await scene(() => "silence");
    const { proxy } = all;
    proxy.spans(10_000);
    const kept = queueBounds.maxItems + requestBounds.maxItems;
    expect(proxy.counts).toEqual([`traces queue_full dropped ${10_000 - kept}`]);
  });

  test("bytes are bounded as items are, and what fits into no request is dropped", async () => {
    using all = await scene(() => "silence");
    const { proxy } = all;
    proxy.spans(1, "x".repeat(requestBounds.maxBytes));
    expect(proxy.counts).toEqual(["traces too_large dropped 1"]);
    proxy.spans(20, "x".repeat(500_000));
    const dropped = proxy.counts.find((count) => count.startsWith("traces queue_full"));
    expect(Number(dropped?.split(" ").at(-1))).toBeGreaterThanOrEqual(20 - 12);
  });

  test("an answer that never comes is a failure when its time is up", async () => {
    using all = await scene(() => "silence", { timeoutMs: 50 });
    all.proxy.spans(1);
    all.clock.advance(gatherMs);
    await has(all.proxy, "traces retries 1");
  });

  test("a collector that is not there is asked again", async () => {
    const clock = new VirtualClock();
    using proxy = new ExportingProxy(freePort(), { clock }).apply(testCollector());
    proxy.spans(1);
    clock.advance(gatherMs);
    await has(proxy, "traces retries 1");
  });

  test("one that leaves the configuration drops what waits for it, and one that stays keeps it", async () => {
    using all = await scene(() => ({}));
    const { proxy, clock } = all;
    proxy.spans(2);
    proxy.apply(testCollector());
    expect(proxy.counts).toEqual([]);
    proxy.apply(testCollector({ timeoutMs: 77 }));
    expect(proxy.counts).toEqual(["traces shutdown dropped 2"]);
    proxy.spans(1);
    clock.advance(gatherMs);
    await has(proxy, "traces sent 1");
  });

  test("what is left is sent by a flush, for as long as that may take", async () => {
    using all = await scene((request) => (request === 1 ? {} : "silence"));
    const { proxy, clock } = all;
    proxy.spans(3);
    await proxy.exporter.flush(2_000);
    expect(proxy.counts).toContain("traces sent 3");
    proxy.spans(1);
    const flushed = proxy.exporter.flush(2_000);
    clock.advance(2_000);
    await flushed;
  });
});

describe("logs and metrics", () => {
  test("go to their own services", async () => {
    using all = await scene(() => ({}), { traces: false, logs: true, metrics: true });
    const { proxy, collector, clock } = all;
    const edge = proxy.series.edge({
      ...{ direction: "outbound", sourceWorkload: "shop/cart-1", sourceIdentity: "", protocol: "http" },
      ...{ destinationWorkload: "shop/pay-1", destinationIdentity: "", destinationService: "shop/pay" },
      ...{
        destinationPort: 80,
        destinationVersion: "",
        sourceVersion: "",
        sourceLocality: "",
        destinationLocality: "",
        route: "",
        mtls: true,
      },
    });
    edge.http("GET", 200, undefined, undefined).record(3_000, 10, 20);
    proxy.spans(1);
    proxy.exporter.log({
      ...{ timeMs: 1_000, severity: "info", eventName: "weft.access", body: "GET /" },
      attributes: { "http.response.status_code": 200, empty: "" },
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    await proxy.exporter.flush(2_000);
    expect(clock.nowMs()).toBeGreaterThan(0);
    const logs = collector.requests.flatMap(({ resource_logs = [] }) => resource_logs);
    expect(logs[0]?.scope_logs[0]?.log_records).toMatchObject([
      {
        time_unix_nano: "1000000000",
        severity_number: 9,
        severity_text: "INFO",
        body: { string_value: "GET /" },
        event_name: "weft.access",
        attributes: [{ key: "http.response.status_code", value: { int_value: "200" } }],
        trace_id: Buffer.from("4bf92f3577b34da6a3ce929d0e0e4736", "hex"),
      },
    ]);
    const metrics = collector.requests
      .flatMap(({ resource_metrics = [] }) => resource_metrics)
      .flatMap(({ scope_metrics }) => scope_metrics.flatMap((scope) => scope.metrics));
    expect(metrics.find((each) => each["name"] === "http.client.request.duration")).toMatchObject({
      unit: "s",
      histogram: {
        aggregation_temporality: 2,
        data_points: [
          { count: "1", sum: 0.003, bucket_counts: ["0", "0", "0", "1", ...Array(19).fill("0")] },
        ],
      },
    });
    expect(metrics.find((each) => each["name"] === "weft.http.response.body.bytes")).toMatchObject({
      sum: { is_monotonic: true, aggregation_temporality: 2, data_points: [{ as_int: "20" }] },
    });
    expect(collector.spans).toEqual([]);
  });
});

describe("over HTTP", () => {
  const settings = { protocol: CollectorProtocol.HTTP, path: "/otlp/" };

  test("a request is a POST of protobuf, and Retry-After is heard", async () => {
    const seen: string[] = [];
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        seen.push(
          `${request.method} ${new URL(request.url).pathname} ${request.headers.get("content-type")}`,
        );
        return seen.length === 1
          ? new Response("", { status: 503, headers: { "retry-after": "60" } })
          : new Response("");
      },
    });
    const clock = new VirtualClock();
    using proxy = new ExportingProxy(server.port ?? 0, { clock, protocol: Protocol.HTTP });
    proxy.apply(testCollector(settings));
    proxy.spans(4);
    clock.advance(gatherMs);
    await has(proxy, "traces retries 1");
    clock.advance(59_999);
    expect(seen).toHaveLength(1);
    clock.advance(1);
    await has(proxy, "traces sent 4");
    expect(seen).toEqual(Array(2).fill("POST /otlp/v1/traces application/x-protobuf"));
  });

  test("what is no answer of a collector's is not sent again", async () => {
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("no", { status: 404 }),
    });
    const clock = new VirtualClock();
    using proxy = new ExportingProxy(server.port ?? 0, { clock, protocol: Protocol.HTTP });
    proxy.apply(testCollector(settings)).spans(1);
    clock.advance(gatherMs);
    await has(proxy, "traces refused dropped 1");
  });

  test("a connection that is reset is tried again", async () => {
    using listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => socket.terminate() },
    });
    const clock = new VirtualClock();
    using proxy = new ExportingProxy(listener.port, { clock, protocol: Protocol.HTTP });
    proxy.apply(testCollector(settings)).spans(1);
    clock.advance(gatherMs);
    await has(proxy, "traces retries 1");
  });
});
