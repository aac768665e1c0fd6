/** The text exposition format of Prometheus (0.0.4). Names of HTTP durations follow OpenTelemetry's conventions. */
import { escapeLabel, metricHeader, metricLine } from "../../kernel/index.ts";
import type { MetricFamily } from "./counters.ts";
import type { EdgeSeries, SeriesRegistry } from "./series.ts";
import { durationBoundsSeconds, type SeriesCell } from "./series-cell.ts";

export function encodeMetrics(series: SeriesRegistry, families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  const edges = [...series.edges()];
  const select = (protocol: string, direction?: string): EdgeSeries[] =>
    edges.filter(
      (edge) =>
        edge.labels.protocol === protocol && (direction === undefined || edge.labels.direction === direction),
    );
  pushDurations(
    lines,
    "http_client_request_duration_seconds",
    "Time from a request's head to the end of its response, at the caller's proxy.",
    select("http", "outbound"),
  );
  pushDurations(
    lines,
    "http_server_request_duration_seconds",
    "Time from a request's head to the end of its response, at the called workload's proxy.",
    select("http", "inbound"),
  );
  pushTotals(lines, {
    name: "weft_http_request_body_bytes_total",
    help: "Bytes of request bodies.",
    edges: select("http"),
    read: (cell) => cell.requestBytes,
  });
  pushTotals(lines, {
    name: "weft_http_response_body_bytes_total",
    help: "Bytes of response bodies.",
    edges: select("http"),
    read: (cell) => cell.responseBytes,
  });
  pushTotals(lines, {
    name: "weft_tcp_connections_total",
    help: "Connections opened (response_class ok) and connections that failed or broke (error).",
    edges: select("tcp"),
    read: (cell) => cell.count,
  });
  pushTotals(lines, {
    name: "weft_tcp_sent_bytes_total",
    help: "Bytes from client to server.",
    edges: select("tcp"),
    read: (cell) => cell.requestBytes,
  });
  pushTotals(lines, {
    name: "weft_tcp_received_bytes_total",
    help: "Bytes from server to client.",
    edges: select("tcp"),
    read: (cell) => cell.responseBytes,
  });
  pushDurations(
    lines,
    "weft_tcp_connection_duration_seconds",
    "How long finished connections were open.",
    select("tcp"),
  );
  for (const family of families) pushFamily(lines, family);
  lines.push("");
  return lines.join("\n");
}

function pushFamily(lines: string[], family: MetricFamily): void {
  lines.push(...metricHeader(family));
  for (const sample of family.samples()) lines.push(metricLine(family.name, sample));
}

interface Totals {
  readonly name: string;
  readonly help: string;
  readonly edges: readonly EdgeSeries[];
  readonly read: (cell: SeriesCell) => number;
}

function pushTotals(lines: string[], { name, help, edges, read }: Totals): void {
  lines.push(...metricHeader({ name, help, type: "counter" }));
  for (const edge of edges) {
    for (const cell of edge.cells) lines.push(`${name}{${cellLabels(edge, cell)}} ${read(cell)}`);
  }
}

function pushDurations(lines: string[], name: string, help: string, edges: readonly EdgeSeries[]): void {
  lines.push(...metricHeader({ name, help, type: "histogram" }));
  for (const edge of edges) {
    for (const cell of edge.cells) {
      const labels = cellLabels(edge, cell);
      let cumulative = 0;
      for (const [index, bound] of durationBoundsSeconds.entries()) {
        cumulative += cell.buckets[index] ?? 0;
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${cumulative}`);
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${cell.durationCount}`);
      lines.push(`${name}_sum{${labels}} ${cell.sumUs / 1_000_000}`);
      lines.push(`${name}_count{${labels}} ${cell.durationCount}`);
    }
  }
}

function cellLabels(edge: EdgeSeries, cell: SeriesCell): string {
  const labels = edge.labels;
  return (
    `direction="${labels.direction}"` +
    `,source_workload="${escapeLabel(labels.sourceWorkload)}"` +
    `,source_identity="${escapeLabel(labels.sourceIdentity)}"` +
    `,destination_workload="${escapeLabel(labels.destinationWorkload)}"` +
    `,destination_identity="${escapeLabel(labels.destinationIdentity)}"` +
    `,destination_service="${escapeLabel(labels.destinationService)}"` +
    `,destination_port="${labels.destinationPort}"` +
    `,destination_version="${escapeLabel(labels.destinationVersion)}"` +
    `,route="${escapeLabel(labels.route)}"` +
    `,mtls="${labels.mtls}"` +
    `,response_class="${cell.responseClass}"` +
    `,reason="${cell.reason}"`
  );
}
