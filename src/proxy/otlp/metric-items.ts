/**
 * The proxy's figures as metrics of OTLP: cumulative since the proxy's start, golden signals as histograms with the bounds
 * that a scrape shows. Durations have the names of OpenTelemetry's conventions for HTTP; what has no name there is `weft.*`.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AggregationTemporality, type KeyValue, MetricSchema } from "../../wire/otlp/index.ts";
import type { EdgeSeries, MetricFamily, SeriesRegistry } from "../telemetry/index.ts";
import { durationBoundsSeconds, type SeriesCell } from "../telemetry/series-cell.ts";
import { Attributes } from "./attributes.ts";

export interface MetricSource {
  readonly series: SeriesRegistry;
  readonly families: readonly MetricFamily[];
}

export interface MetricSpan {
  readonly startMs: number;
  readonly nowMs: number;
}

/** Of one item, so that no item outgrows a request: at 600 bytes for a histogram of an edge about 150 KB. */
const maxPoints = 256;
const nsPerMs = 1_000_000n;

type MetricInit = MessageInitShape<typeof MetricSchema>;

interface Instant {
  readonly startTimeUnixNano: bigint;
  readonly timeUnixNano: bigint;
}

interface Row {
  readonly edge: EdgeSeries;
  readonly cell: SeriesCell;
}

/** One metric, or a part of its points, for each item. */
export function encodeMetricItems({ series, families }: MetricSource, span: MetricSpan): Uint8Array[] {
  const at = { startTimeUnixNano: nanos(span.startMs), timeUnixNano: nanos(span.nowMs) };
  const rows = [...series.edges()].flatMap((edge) => edge.cells.map((cell) => ({ edge, cell })));
  const of = (protocol: "http" | "tcp", direction?: "outbound" | "inbound"): Row[] =>
    rows.filter(
      ({ edge: { labels } }) =>
        labels.protocol === protocol && (direction === undefined || labels.direction === direction),
    );
  const items: Uint8Array[] = [];
  for (const [name, direction] of [
    ["http.client.request.duration", "outbound"],
    ["http.server.request.duration", "inbound"],
  ] as const) {
    pushDurations(
      items,
      { name, description: "Duration of HTTP requests.", unit: "s" },
      of("http", direction),
      at,
    );
  }
  const tcp = of("tcp");
  const connection = {
    name: "weft.tcp.connection.duration",
    description: "Of finished connections.",
    unit: "s",
  };
  pushDurations(items, connection, tcp, at);
  const http = of("http");
  for (const [name, description, unit, list, read] of sums(http, tcp)) {
    const points = list.map(({ edge, cell }) => ({
      ...at,
      attributes: edgeAttributes(edge, cell),
      value: { case: "asInt" as const, value: BigInt(Math.round(read(cell))) },
    }));
    pushSum(items, { name, description, unit }, points);
  }
  for (const family of families) pushFamily(items, family, at);
  return items;
}

type SumRow = readonly [
  name: string,
  description: string,
  unit: string,
  rows: readonly Row[],
  read: (cell: SeriesCell) => number,
];

function sums(http: readonly Row[], tcp: readonly Row[]): readonly SumRow[] {
  return [
    ["weft.http.request.body.bytes", "Bytes of request bodies.", "By", http, (cell) => cell.requestBytes],
    ["weft.http.response.body.bytes", "Bytes of response bodies.", "By", http, (cell) => cell.responseBytes],
    ["weft.tcp.connections", "Connections opened, or failed.", "{connection}", tcp, (cell) => cell.count],
    ["weft.tcp.sent.bytes", "Bytes from client to server.", "By", tcp, (cell) => cell.requestBytes],
    ["weft.tcp.received.bytes", "Bytes from server to client.", "By", tcp, (cell) => cell.responseBytes],
  ];
}

function pushDurations(
  items: Uint8Array[],
  head: Pick<MetricInit, "name" | "description" | "unit">,
  rows: readonly Row[],
  at: Instant,
): void {
  for (let i = 0; i < rows.length; i += maxPoints) {
    const dataPoints = rows.slice(i, i + maxPoints).map(({ edge, cell }) => ({
      ...at,
      attributes: edgeAttributes(edge, cell),
      count: BigInt(cell.durationCount),
      sum: cell.sumUs / 1_000_000,
      bucketCounts: Array.from(cell.buckets, (count) => BigInt(count)),
      explicitBounds: [...durationBoundsSeconds],
    }));
    const value = { dataPoints, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    items.push(encode({ ...head, data: { case: "histogram", value } }));
  }
}

type Point = Instant & {
  readonly attributes: KeyValue[];
  readonly value: { case: "asInt"; value: bigint } | { case: "asDouble"; value: number };
};

function pushSum(
  items: Uint8Array[],
  head: Pick<MetricInit, "name" | "description" | "unit">,
  points: readonly Point[],
): void {
  for (let i = 0; i < points.length; i += maxPoints) {
    const value = {
      dataPoints: points.slice(i, i + maxPoints),
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      isMonotonic: true,
    };
    items.push(encode({ ...head, data: { case: "sum", value } }));
  }
}

/** Under the names that a scrape shows. */
function pushFamily(items: Uint8Array[], family: MetricFamily, at: Instant): void {
  const { name, help: description } = family;
  const points: Point[] = [...family.samples()].map((sample) => {
    const attributes = new Attributes();
    for (const [label, text] of Object.entries(sample.labels)) attributes.add(label, text);
    return { ...at, attributes: attributes.list, value: { case: "asDouble", value: sample.value } };
  });
  if (family.type === "counter") {
    pushSum(items, { name, description, unit: "" }, points);
    return;
  }
  for (let i = 0; i < points.length; i += maxPoints) {
    const value = { dataPoints: points.slice(i, i + maxPoints) };
    items.push(encode({ name, description, data: { case: "gauge", value } }));
  }
}

function edgeAttributes({ labels }: EdgeSeries, cell: SeriesCell): KeyValue[] {
  return new Attributes()
    .add("weft.direction", labels.direction)
    .add("weft.source.workload", labels.sourceWorkload)
    .add("weft.source.identity", labels.sourceIdentity)
    .add("weft.destination.workload", labels.destinationWorkload)
    .add("weft.destination.identity", labels.destinationIdentity)
    .add("weft.destination.service", labels.destinationService)
    .add("server.port", labels.destinationPort)
    .add("weft.destination.version", labels.destinationVersion)
    .add("weft.route", labels.route)
    .add("weft.mtls", labels.mtls)
    .add("weft.response.class", cell.responseClass)
    .add("error.type", cell.reason).list;
}

function encode(init: MetricInit): Uint8Array {
  return toBinary(MetricSchema, create(MetricSchema, init));
}

function nanos(ms: number): bigint {
  return BigInt(Math.round(ms)) * nsPerMs;
}
