/** The control plane's metrics in Prometheus' text format (0.0.4): its own state, and the golden signals that all proxies reported. */
import type { MeshStatus } from "../api/index.ts";
import type { KeySetFigures } from "../jwks/index.ts";
import { metricHeader, metricLine, type MetricSample } from "../kernel/index.ts";
import type { PolicyDecisionTotal, SeriesTotal, TapHub } from "../observe/index.ts";

export interface MetricsInput {
  readonly status: MeshStatus;
  readonly totals: Iterable<SeriesTotal>;
  readonly telemetry: TelemetryFigures;
  readonly keySets: KeySetFigures;
  /** Handshakes of proxies that were refused, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly decisions: readonly PolicyDecisionTotal[];
  /** Who was not let in at the API, or not let do what they asked for, by reason. */
  readonly apiRefusals: ReadonlyMap<string, number>;
  /** Proofs of identity that were refused, by "attestor why". */
  readonly attestationRefusals: ReadonlyMap<string, number>;
  readonly taps: Pick<TapHub, "size" | "refusedRecords">;
}

/** Of reports themselves, and of what is kept of them. */
export interface TelemetryFigures {
  /** Series that fit nobody's budget and were counted together. */
  readonly droppedSeries: number;
  readonly refusedEdges: number;
  readonly refusedReports: number;
  readonly refusedHits: number;
  readonly proxies: number;
  readonly intervalMs: number;
  /** Distinct label sets in the window, by level. */
  readonly series: { readonly service: number; readonly workload: number };
  /** Of closed slots in memory, by level. */
  readonly bytes: { readonly service: number; readonly workload: number };
  readonly isOnDisk: boolean;
}

export function encodeMetrics({
  status,
  totals,
  telemetry,
  keySets,
  refusals,
  apiRefusals,
  decisions,
  attestationRefusals,
  taps,
}: MetricsInput): string {
  const connected = status.proxies.filter((proxy) => proxy.connected);
  const behind = connected.filter((proxy) => proxy.revision < status.revision);
  const series = [...totals].map((total) => ({ total, labels: labelsOf(total) }));
  return [
    ...family("weft_control_revision", "gauge", "Newest revision of operators' resources.", [
      { value: status.revision },
    ]),
    ...family("weft_control_compiled_revision", "gauge", "Newest revision that is handed out.", [
      { value: status.compiledRevision },
    ]),
    ...family("weft_control_proxies", "gauge", "Proxies by whether their stream is open.", [
      { labels: { connected: "true" }, value: connected.length },
      { labels: { connected: "false" }, value: status.proxies.length - connected.length },
    ]),
    ...family(
      "weft_control_proxies_behind",
      "gauge",
      "Connected proxies that do not run the newest revision.",
      [{ value: behind.length }],
    ),
    ...family(
      "weft_control_refused_total",
      "counter",
      "Handshakes on the proxies' port that were refused.",
      [...refusals].map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    ...family(
      "weft_control_api_refused_total",
      "counter",
      "Handshakes on the API's port and requests to it that were refused.",
      [...apiRefusals].map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    ...family(
      "weft_control_attestations_refused_total",
      "counter",
      "Proofs of identity for a first certificate that were refused.",
      [...attestationRefusals].map(([name, value]) => {
        const [attestor = "", reason = ""] = name.split(" ");
        return { labels: { attestor, reason }, value };
      }),
    ),
    ...family(
      "weft_control_liveness_frozen",
      "gauge",
      "1: too many workloads would expire at once, so none does.",
      [{ value: status.isLivenessFrozen ? 1 : 0 }],
    ),
    ...family(
      "weft_control_start_time_seconds",
      "gauge",
      "When the control plane started, in Unix seconds.",
      [{ value: status.startTimeMs / 1000 }],
    ),
    ...family("weft_control_taps", "gauge", "Taps that run.", [{ value: taps.size }]),
    ...family(
      "weft_control_tap_records_refused_total",
      "counter",
      "Records of taps that were not their sender's to tell.",
      [{ value: taps.refusedRecords }],
    ),
    ...family("weft_telemetry_dropped_series_total", "counter", "Series that did not fit a budget.", [
      { value: telemetry.droppedSeries },
    ]),
    ...telemetryFamilies(telemetry),
    ...family(
      "weft_mesh_exchanges_total",
      "counter",
      "Requests and TCP connections as reported by the proxies of both sides; direction tells which.",
      series.map(({ total, labels }) => ({ labels, value: total.count })),
    ),
    ...family(
      "weft_mesh_exchange_seconds_total",
      "counter",
      "The time that they took together.",
      series.map(({ total, labels }) => ({ labels, value: total.durationUs / 1e6 })),
    ),
    ...family(
      "weft_mesh_policy_decisions_total",
      "counter",
      "What policies decided, or would decide in a dry run, as reported by the proxies that asked them.",
      decisions.map(({ workload, policy, rule, verdict, count }) => ({
        labels: { policy, rule, verdict, workload },
        value: count,
      })),
    ),
    ...family(
      "weft_jwks_fetches_total",
      "counter",
      "Fetches of issuers' keys by what came of them.",
      keySets.fetches.map(({ result, count }) => ({ labels: { result }, value: count })),
    ),
    ...family(
      "weft_jwks_age_seconds",
      "gauge",
      "Since an issuer last confirmed the keys in force; absent: its tokens are refused. After a day they are not used any more.",
      keySets.ages.map(({ uri, ageMs }) => ({ labels: { uri }, value: ageMs / 1000 })),
    ),
    "",
  ].join("\n");
}

function telemetryFamilies(telemetry: TelemetryFigures): string[] {
  const { refusedEdges, refusedReports, refusedHits, proxies, intervalMs, series, bytes } = telemetry;
  return [
    ...family(
      "weft_control_telemetry_refused_total",
      "counter",
      "Parts of proxies' reports that were not theirs to tell, or could not be read.",
      Object.entries({ edge: refusedEdges, hit: refusedHits, report: refusedReports }).map(
        ([part, value]) => {
          return { labels: { part }, value };
        },
      ),
    ),
    ...family("weft_control_telemetry_proxies", "gauge", "Proxies that reported in the last two minutes.", [
      { value: proxies },
    ]),
    ...family(
      "weft_control_telemetry_interval_seconds",
      "gauge",
      "How long each is told to wait between two reports.",
      [{ value: intervalMs / 1000 }],
    ),
    ...family(
      "weft_control_window_series",
      "gauge",
      "Label sets in the window of golden signals.",
      Object.entries(series).map(([level, value]) => ({ labels: { level }, value })),
    ),
    ...family(
      "weft_control_window_bytes",
      "gauge",
      "Memory of the window of golden signals.",
      Object.entries(bytes).map(([level, value]) => ({ labels: { level }, value })),
    ),
    ...family(
      "weft_control_window_on_disk",
      "gauge",
      "1: a restart keeps the window of golden signals. 0: it is in memory only.",
      [{ value: telemetry.isOnDisk ? 1 : 0 }],
    ),
  ];
}

function labelsOf({ series }: SeriesTotal): Record<string, string> {
  return {
    direction: series.direction,
    source_workload: series.sourceWorkload,
    destination_workload: series.destinationWorkload,
    destination_service: series.destinationService,
    destination_port: String(series.destinationPort),
    destination_version: series.destinationVersion,
    route: series.route,
    protocol: series.protocol,
    response_class: series.responseClass,
    response_code: series.responseCode === 0 ? "" : String(series.responseCode),
    grpc_status: series.grpcStatus === 0 ? "" : String(series.grpcStatus - 1),
    source_version: series.sourceVersion,
    reason: series.reason,
    mtls: String(series.isMutualTls),
  };
}

function family(
  name: string,
  type: "counter" | "gauge",
  help: string,
  samples: readonly (Partial<MetricSample> & { readonly value: number })[],
): string[] {
  return [
    ...metricHeader({ name, help, type }),
    ...samples.map(({ labels = {}, value }) => metricLine(name, { labels, value })),
  ];
}
