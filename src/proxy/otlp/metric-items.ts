/**
 * The proxy's figures as metrics of OTLP: golden signals as histograms with the bounds that a scrape shows. Durations have
 * the names of OpenTelemetry's conventions for HTTP; what has no name there is `weft.*`.
 */
import type { EdgeSeries, MetricFamily, SeriesRegistry } from "../telemetry/index.ts";
import { readOutcome } from "../telemetry/outcome-key.ts";
import { durationBoundsSeconds, type SeriesCell } from "../telemetry/series-cell.ts";
import { Attributes } from "./attributes.ts";
import { encodeHistogram, encodeNumbers, type MetricHead, type Period } from "./metric-writer.ts";

export interface MetricSource {
  readonly series: SeriesRegistry;
  readonly families: readonly MetricFamily[];
}

/** Of one item, so that no item outgrows a request: at 800 bytes for a histogram of an edge about 200 KB. */
const maxPoints = 256;

interface Row {
  readonly edge: EdgeSeries;
  readonly cell: SeriesCell;
  readonly attributes: Attributes;
}

const durations = [
  {
    ...{ name: "http.client.request.duration", description: "Duration of HTTP requests.", unit: "s" },
    ...{ protocol: "http", direction: "outbound" },
  },
  {
    ...{ name: "http.server.request.duration", description: "Duration of HTTP requests.", unit: "s" },
    ...{ protocol: "http", direction: "inbound" },
  },
  {
    ...{ name: "weft.tcp.connection.duration", description: "Of connections that have ended.", unit: "s" },
    ...{ protocol: "tcp", direction: undefined },
  },
] as const;

interface Total extends MetricHead {
  readonly protocol: "http" | "tcp";
  readonly read: (cell: SeriesCell) => number;
}

const totals: readonly Total[] = [
  {
    ...{ name: "weft.http.request.body.bytes", description: "Bytes of request bodies.", unit: "By" },
    protocol: "http",
    read: (cell) => cell.requestBytes,
  },
  {
    ...{ name: "weft.http.response.body.bytes", description: "Bytes of response bodies.", unit: "By" },
    protocol: "http",
    read: (cell) => cell.responseBytes,
  },
  {
    ...{ name: "weft.tcp.connections", description: "Connections opened, or failed.", unit: "{connection}" },
    protocol: "tcp",
    read: (cell) => cell.count,
  },
  {
    ...{ name: "weft.tcp.sent.bytes", description: "Bytes from client to server.", unit: "By" },
    protocol: "tcp",
    read: (cell) => cell.requestBytes,
  },
  {
    ...{ name: "weft.tcp.received.bytes", description: "Bytes from server to client.", unit: "By" },
    protocol: "tcp",
    read: (cell) => cell.responseBytes,
  },
];

/** One metric, or a part of its points, for each item. */
export function encodeMetricItems({ series, families }: MetricSource, period: Period): Uint8Array[] {
  const rows = [...series.edges()].flatMap((edge) =>
    edge.cells.map((cell) => ({ edge, cell, attributes: attributesOf(edge, cell) })),
  );
  const items: Uint8Array[] = [];
  for (const { protocol, direction, ...head } of durations) {
    const own = rows.filter(({ edge: { labels } }) => {
      return labels.protocol === protocol && (direction === undefined || labels.direction === direction);
    });
    for (const part of parts(own)) items.push(encodeDurations(head, part, period));
  }
  for (const { protocol, read, ...head } of totals) {
    const own = rows.filter(({ edge }) => edge.labels.protocol === protocol);
    for (const part of parts(own)) {
      const points = part.map(({ attributes, cell }) => ({ attributes, value: read(cell) }));
      items.push(encodeNumbers("sum", head, points, period));
    }
  }
  for (const family of families) items.push(...encodeFamily(family, period));
  return items;
}

function encodeDurations(head: MetricHead, rows: readonly Row[], period: Period): Uint8Array {
  const points = rows.map(({ attributes, cell }) => ({
    attributes,
    count: cell.durationCount,
    sum: cell.sumUs / 1_000_000,
    buckets: cell.buckets,
  }));
  return encodeHistogram(head, durationBoundsSeconds, points, period);
}

/** Under the name that a scrape shows. */
function encodeFamily(family: MetricFamily, period: Period): Uint8Array[] {
  const { name, help, type } = family;
  const points = [...family.samples()].map(({ labels, value }) => ({
    attributes: new Attributes().addAll(labels),
    value,
  }));
  const head = { name, description: help, unit: "" };
  return parts(points).map((part) => encodeNumbers(type === "counter" ? "sum" : "gauge", head, part, period));
}

function parts<T>(list: readonly T[]): T[][] {
  const count = Math.ceil(list.length / maxPoints);
  return Array.from({ length: count }, (_, i) => list.slice(i * maxPoints, (i + 1) * maxPoints));
}

function attributesOf({ labels }: EdgeSeries, cell: SeriesCell): Attributes {
  const { method, status, grpcStatus, reason } = readOutcome(cell.key);
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
    .add("weft.source.version", labels.sourceVersion)
    .add("weft.source.locality", labels.sourceLocality)
    .add("weft.destination.locality", labels.destinationLocality)
    .add("network.protocol.name", grpcStatus === undefined ? labels.protocol : "grpc")
    .add("http.request.method", method)
    .add("http.response.status_code", status === 0 ? undefined : status)
    .add("rpc.grpc.status_code", grpcStatus)
    .add("error.type", reason === "" && status >= 500 ? String(status) : reason);
}
