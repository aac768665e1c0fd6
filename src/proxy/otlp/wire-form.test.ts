/** What is written by hand, against the bytes that OpenTelemetry's field numbers ask for, and against our own .proto files. */
import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { systemClock } from "../../kernel/index.ts";
import {
  AggregationTemporality,
  ExportTraceServiceRequestSchema,
  LogRecordSchema,
  MetricSchema,
  SeverityNumber,
  SpanKind,
  SpanSchema,
  StatusCode,
} from "../../wire/otlp/index.ts";
import { SpanBuilder } from "../tracing/span-builder.ts";
import { Trace } from "../tracing/trace.ts";
import { WallClock } from "../tracing/wall-clock.ts";
import { Attributes, maxAttributeLength } from "./attributes.ts";
import { encodeExportRequest, encodeResource } from "./export-request.ts";
import { encodeLogRecord } from "./log-record.ts";
import { encodeHistogram, encodeNumbers } from "./metric-writer.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("attributes: 1 key, 2 value { 1 text, 2 bool, 3 integer, 4 double }", () => {
  const writer = new BinaryWriter();
  new Attributes().add("a", "b").add("c", true).add("d", 7).add("e", 0.5).add("f", "").write(writer, 9);
  expect(hex(writer.finish())).toBe(
    [
      "4a080a016112030a0162",
      "4a070a016312021001",
      "4a070a016412021807",
      "4a0e0a0165120921000000000000e03f",
    ].join(""),
  );
});

test("a value of a peer's is cut", () => {
  const writer = new BinaryWriter();
  new Attributes().add("k", "x".repeat(100_000)).write(writer, 1);
  expect(writer.finish().length).toBeLessThan(maxAttributeLength + 20);
});

test("a span has the field numbers of trace.proto", () => {
  const owner = { newSpanId: () => "02".repeat(8), keepsHttp: () => true, keepsTcp: () => true };
  const trace = new Trace(owner, {
    ...{ side: "server", traceId: "01".repeat(16), isSampled: true, written: 0 },
    context: { parent: undefined, present: 0, traceState: "v=1", hasStrayState: false },
  });
  const wall = new WallClock({ ...systemClock, nowMs: () => 1, monotonicUs: () => 0 });
  const head = { spanId: trace.spanId, parentSpanId: "03".repeat(8), isParentRemote: true } as const;
  const span = new SpanBuilder(trace, wall, { ...head, name: "GET", kind: "server", startUs: 0, endUs: 1 });
  span.error("500");
  span.event("e", 0);
  const bytes = span.encode();
  expect(hex(bytes)).toBe(
    `0a10${"01".repeat(16)}` +
      `1208${"02".repeat(8)}` +
      `1a03${hex(Buffer.from("v=1"))}` +
      `2208${"03".repeat(8)}` +
      `2a03${hex(Buffer.from("GET"))}` +
      "3002" +
      "3940420f0000000000" +
      "4128460f0000000000" +
      `4a130a0a${hex(Buffer.from("error.type"))}12050a03${hex(Buffer.from("500"))}` +
      "5a0c0940420f0000000000120165" +
      "7a021802" +
      "850101030000",
  );
  expect(fromBinary(SpanSchema, bytes)).toMatchObject({
    ...{ name: "GET", kind: SpanKind.SERVER, flags: 0x301, startTimeUnixNano: 1_000_000n },
    status: { code: StatusCode.ERROR },
  });
});

test("a request is resource, scope, items", () => {
  const item = Uint8Array.of(0x2a, 0x01, 0x61);
  const request = encodeExportRequest(encodeResource({ "service.name": "s", empty: "" }), [item, item]);
  const read = fromBinary(ExportTraceServiceRequestSchema, request);
  expect(read.resourceSpans).toHaveLength(1);
  const [own] = read.resourceSpans;
  expect(own?.resource?.attributes.map(({ key }) => key)).toEqual(["service.name"]);
  expect(own?.scopeSpans[0]?.scope?.name).toBe("weft");
  expect(own?.scopeSpans[0]?.spans.map(({ name }) => name)).toEqual(["a", "a"]);
  expect(own?.schemaUrl).toStartWith("https://opentelemetry.io/schemas/");
});

test("metrics are cumulative, with the field numbers of metrics.proto", () => {
  const head = { name: "n", description: "d", unit: "s" };
  const period = { startNs: 1n, endNs: 2n };
  const attributes = new Attributes();
  const sum = encodeNumbers("sum", head, [{ attributes, value: 5 }], period);
  expect(hex(sum)).toBe(
    ["0a016e1201641a01733a21", "0a1b110100000000000000190200000000000000310500000000000000", "10021801"].join(
      "",
    ),
  );
  const histogram = encodeHistogram(
    head,
    [0.5],
    [{ attributes, count: 3, sum: 1.5, buckets: [1, 2] }],
    period,
  );
  expect(fromBinary(MetricSchema, histogram).data).toMatchObject({
    case: "histogram",
    value: {
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPoints: [{ count: 3n, sum: 1.5, bucketCounts: [1n, 2n], explicitBounds: [0.5], timeUnixNano: 2n }],
    },
  });
  const gauge = encodeNumbers("gauge", head, [{ attributes, value: 0.5 }], period);
  expect(fromBinary(MetricSchema, gauge).data).toMatchObject({
    case: "gauge",
    value: { dataPoints: [{ value: { case: "asDouble", value: 0.5 } }] },
  });
});

test("a record of a log has the field numbers of logs.proto", () => {
  const bytes = encodeLogRecord({
    ...{ timeMs: 1, severity: "error", eventName: "e", body: "b", attributes: {}, spanId: "02".repeat(8) },
  });
  expect(hex(bytes)).toBe(
    `0940420f0000000000` +
      "1011" +
      `1a05${hex(Buffer.from("ERROR"))}` +
      "2a030a0162" +
      `5208${"02".repeat(8)}` +
      "5940420f0000000000" +
      "620165",
  );
  expect(fromBinary(LogRecordSchema, bytes).severityNumber).toBe(SeverityNumber.ERROR);
});
