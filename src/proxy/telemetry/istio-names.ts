/**
 * Golden signals under Istio's names and labels, for dashboards that were made for it: beside weft's own, where a
 * TelemetryPolicy asks for them. Loaded with the first scrape that has to write them.
 */
import { boundText, escapeLabel, type MetricType, type ReasonCode } from "../../kernel/index.ts";
import type { EdgeSeries } from "./edge-series.ts";
import { readOutcome } from "./outcome-key.ts";
import type { SampleWriter } from "./sample-writer.ts";
import { durationBoundsSeconds, type SeriesCell } from "./series-cell.ts";
import { namespaceOf } from "./edge-labels.ts";
import { sizeBounds } from "./size-counts.ts";

export const istioLabels = [
  "reporter",
  "source_workload",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_canonical_service",
  "source_canonical_revision",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "destination_canonical_service",
  "destination_canonical_revision",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
  // Istio has none of these. Without them, series that are told apart here would have the same name there.
  "source_locality",
  "destination_locality",
  "destination_port",
  "http_route",
  "http_request_method",
  "error_type",
] as const;

/** Envoy's flags for what our reasons say, as far as it has one. */
const flags: Partial<Record<ReasonCode, string>> = {
  no_route: "NR",
  no_endpoint: "UH",
  destination_unknown: "NC",
  backend_unresolved: "NC",
  pool_exhausted: "UO",
  cluster_limit: "UO",
  overloaded: "UO",
  upstream_connect_failed: "UF",
  upstream_connect_timeout: "UF",
  upstream_tls_failed: "UF",
  application_unreachable: "UF",
  upstream_identity_mismatch: "UF",
  upstream_reset: "UC",
  upstream_malformed: "UPE",
  request_timeout: "UT",
  try_timeout: "UT",
  stream_idle_timeout: "SI",
  idle_timeout: "SI",
  client_closed: "DC",
  malformed_request: "DPE",
  rate_limited: "RL",
  external_denied: "UAEX",
  fault_injected: "FI",
};

const millisecondBounds = durationBoundsSeconds.map((seconds) => boundText(Math.round(seconds * 1e7) / 1e4));
const byteBounds = sizeBounds.map(boundText);

interface IstioFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly protocol: "http" | "tcp";
  write(writer: SampleWriter, name: string, labels: string, cell: SeriesCell): void;
}

const total =
  (read: (cell: SeriesCell) => number): IstioFamily["write"] =>
  (writer, name, labels, cell) =>
    writer.sample(name, labels, read(cell));

export const istioFamilies: readonly IstioFamily[] = [
  {
    name: "istio_requests_total",
    help: "Requests.",
    type: "counter",
    protocol: "http",
    write: total((cell) => cell.count),
  },
  {
    name: "istio_request_duration_milliseconds",
    help: "How long requests took.",
    type: "histogram",
    protocol: "http",
    write: (writer, name, labels, cell) =>
      writer.histogram(name, labels, {
        bounds: millisecondBounds,
        buckets: cell.buckets,
        sum: cell.sumUs / 1_000,
      }),
  },
  {
    name: "istio_request_bytes",
    help: "Sizes of request bodies.",
    type: "histogram",
    protocol: "http",
    write: (writer, name, labels, { sizes, requestBytes }) => {
      if (sizes !== undefined)
        writer.histogram(name, labels, { bounds: byteBounds, buckets: sizes.requests, sum: requestBytes });
    },
  },
  {
    name: "istio_response_bytes",
    help: "Sizes of response bodies.",
    type: "histogram",
    protocol: "http",
    write: (writer, name, labels, { sizes, responseBytes }) => {
      if (sizes !== undefined)
        writer.histogram(name, labels, { bounds: byteBounds, buckets: sizes.responses, sum: responseBytes });
    },
  },
  {
    name: "istio_tcp_connections_opened_total",
    help: "TCP connections opened.",
    type: "counter",
    protocol: "tcp",
    write: total((cell) => cell.count),
  },
  {
    name: "istio_tcp_connections_closed_total",
    help: "TCP connections closed.",
    type: "counter",
    protocol: "tcp",
    write: total((cell) => cell.durationCount),
  },
  {
    name: "istio_tcp_sent_bytes_total",
    help: "Bytes from server to client.",
    type: "counter",
    protocol: "tcp",
    write: total((cell) => cell.responseBytes),
  },
  {
    name: "istio_tcp_received_bytes_total",
    help: "Bytes from client to server.",
    type: "counter",
    protocol: "tcp",
    write: total((cell) => cell.requestBytes),
  },
];

/** Stops behind every cell. */
export function* writeIstioFamilies(writer: SampleWriter, edges: readonly EdgeSeries[]): Generator<void> {
  for (const family of istioFamilies) {
    writer.family(family);
    for (const edge of edges) {
      if (edge.labels.protocol !== family.protocol) continue;
      for (const cell of edge.cells) {
        // Istio knows no connections that failed beside those that were opened.
        if (family.protocol === "tcp" && readOutcome(cell.key).reason !== "") continue;
        family.write(writer, family.name, istioLabelText(edge, cell), cell);
        yield;
      }
    }
  }
}

function istioLabelText({ labels }: EdgeSeries, cell: SeriesCell): string {
  const { method, status, grpcStatus, reason } = readOutcome(cell.key);
  const hidden = labels.view?.hidden;
  const isTcp = labels.protocol === "tcp";
  const service = named(labels.destinationService);
  const source = named(labels.sourceWorkload);
  const destination = named(labels.destinationWorkload);
  const values: Readonly<Record<(typeof istioLabels)[number], string>> = {
    reporter: labels.direction === "inbound" ? "destination" : "source",
    source_workload: source.name,
    source_workload_namespace: source.namespace,
    source_principal: known(hidden?.has("source_identity") === true ? "" : labels.sourceIdentity),
    source_app: source.name,
    source_version: known(labels.sourceVersion),
    source_canonical_service: source.name,
    source_canonical_revision: labels.sourceVersion || "latest",
    destination_workload: destination.name,
    destination_workload_namespace: destination.namespace,
    destination_principal: known(
      hidden?.has("destination_identity") === true ? "" : labels.destinationIdentity,
    ),
    destination_app: destination.name,
    destination_version: known(labels.destinationVersion),
    destination_service:
      labels.destinationService === "" ? "unknown" : `${service.name}.${service.namespace}.svc.cluster.local`,
    destination_service_name: service.name,
    destination_service_namespace: service.namespace,
    destination_canonical_service: destination.name,
    destination_canonical_revision: labels.destinationVersion || "latest",
    request_protocol: isTcp ? "tcp" : grpcStatus === undefined ? "http" : "grpc",
    response_code: isTcp ? "" : String(status),
    grpc_response_status: grpcStatus === undefined ? "" : String(grpcStatus),
    response_flags: flagsOf(reason),
    connection_security_policy: labels.mtls ? "mutual_tls" : "none",
    source_locality: labels.sourceLocality,
    destination_locality: labels.destinationLocality,
    destination_port: labels.destinationPort === 0 ? "" : String(labels.destinationPort),
    http_route: labels.route,
    http_request_method: method,
    error_type: reason,
  };
  const added = labels.view?.added ?? [];
  return istioLabels
    .filter((name) => values[name] !== "")
    .map((name) => `${name}="${escapeLabel(values[name])}"`)
    .concat(addedTexts(added))
    .join(",");
}

const istioNames: ReadonlySet<string> = new Set([...istioLabels, "le", "quantile"]);

function addedTexts(added: readonly { readonly name: string; readonly value: string }[]): string[] {
  return added
    .filter(
      ({ name, value }) => value !== "" && /^[a-zA-Z][a-zA-Z0-9_]*$/.test(name) && !istioNames.has(name),
    )
    .map(({ name, value }) => `${name}="${escapeLabel(value)}"`);
}

function named(key: string): { readonly namespace: string; readonly name: string } {
  const namespace = namespaceOf(key);
  return {
    namespace: known(namespace),
    name: known(namespace === "" ? key : key.slice(namespace.length + 1)),
  };
}

function known(text: string): string {
  return text === "" ? "unknown" : text;
}

const flagsByReason: ReadonlyMap<string, string> = new Map(Object.entries(flags));

function flagsOf(reason: string): string {
  return flagsByReason.get(reason) ?? "-";
}
