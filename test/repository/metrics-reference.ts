/** The text of docs/reference/metrics.md, from the families that proxies write and what is said of their labels here. */
import { VirtualClock } from "../../src/kernel/index.ts";
import { TimerWheel } from "../../src/net/index.ts";
import { NameLookups } from "../../src/proxy/name-lookups.ts";
import { type RuntimeParts, runtimeGauges } from "../../src/proxy/serve/describe.ts";
import { ServeMetrics } from "../../src/proxy/serve/metrics.ts";
import { ApplicationCounters } from "../../src/proxy/telemetry/application-counters.ts";
import { istioFamilies, istioLabels } from "../../src/proxy/telemetry/istio-names.ts";
import { seriesFamilies } from "../../src/proxy/telemetry/series-families.ts";
import { httpLabels, tcpLabels } from "../../src/proxy/telemetry/series-labels.ts";
import { markdownTable } from "./markdown-table.ts";

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** Of golden signals. */
const signalLabels: Readonly<Record<string, string>> = {
  direction:
    "`outbound` at the caller's proxy, `inbound` at the called workload's. Of HTTP the metric's name says it.",
  source_workload:
    "Who called, as `namespace/name`. At the server's side what the peer says, as far as its certificate's namespace goes.",
  source_namespace: "Of `source_workload`.",
  source_identity: "SPIFFE id that was verified.",
  source_version: "Label `app.kubernetes.io/version` or `version` of the caller; known at its own side only.",
  source_locality: "`region/zone` of the caller; known at its own side only.",
  destination_workload: "Who was called. Empty: no endpoint was reached.",
  destination_namespace: "Of `destination_service`, else of `destination_workload`.",
  destination_identity: "SPIFFE id that the endpoint must prove.",
  destination_service: "Service that was dialled; `overflow`: what had no room of its own.",
  destination_port: "Of the service; at the server's side of the application.",
  destination_version: "Label `app.kubernetes.io/version` or `version` of the endpoint.",
  destination_locality: "`region/zone` of the endpoint.",
  http_route: "Route that was taken, as `namespace/name`, of connections too.",
  network_protocol_name: "`http`, `grpc` (a call with a status) or `tcp`.",
  mtls: "`true`: the hop is mutual TLS of the mesh.",
  http_request_method: "One of OpenTelemetry's known methods, else `_OTHER`.",
  http_response_status_code:
    "What the caller got; of a gRPC call the HTTP status that its status stands for. `2xx` where only the class is kept.",
  rpc_grpc_status_code: "Of gRPC calls: what the caller got, or makes of what it got.",
  error_type:
    "Set if and only if it failed: a reason code, else a status of 500 and above. `_OTHER` where reasons are not told apart.",
};

function operationalFamilies(): Family[] {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock, 10, 512);
  const names = new NameLookups({ upstreams: [], wheel, mark: undefined, clock });
  // Nothing of it is read but names.
  const parts: RuntimeParts = JSON.parse("{}");
  const families = [
    ...new ServeMetrics().families,
    ...names.families,
    ...runtimeGauges(parts),
    ...new ApplicationCounters().families,
  ];
  names.close();
  wheel.close();
  return families.map(({ name, help, type, labelNames }) => ({ name, help, type, labelNames }));
}

/** Labels of golden signals that nothing is said of. */
export function unexplainedLabels(): string[] {
  return [...httpLabels, ...tcpLabels].filter((label) => signalLabels[label] === undefined);
}

export function documentedNames(): string[] {
  return [...seriesFamilies, ...istioFamilies, ...operationalFamilies()].map(({ name }) => name);
}

export function metricsReference(): string {
  return [
    "# Metrics of a proxy",
    "",
    "`GET /metrics` on the admin port (15020): Prometheus' text format 0.0.4, or OpenMetrics 1.0 where `Accept` prefers it, then with",
    "exemplars (`trace_id`) on buckets of durations. A label that is empty is left out. With workers, the page is that of all of them together, as text.",
    "",
    "## Golden signals",
    "",
    "Names and labels follow OpenTelemetry's conventions for HTTP as Prometheus writes them. gRPC calls are HTTP requests with",
    "`rpc_grpc_status_code`: one family answers for both, and rates and errors of a service need no union. Sizes of bodies are summaries",
    "without quantiles: `rate(…_sum) / rate(…_count)` is the mean. Durations have classic buckets here; the control plane's own histograms are",
    "finer (3.2 %).",
    "",
    ...familyTable(seriesFamilies.map((family) => ({ ...family, labelNames: [] }))),
    "",
    `Families of \`http_…\` have all of these labels but \`direction\`; families of \`weft_tcp_…\` have all but ${listed(
      httpLabels.filter((label) => !tcpLabels.includes(label)),
    )}, and \`error_type\` only those that failed.`,
    "",
    ...markdownTable(
      ["Label", "Meaning"],
      Object.entries(signalLabels).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    "",
    "### Budget",
    "",
    "A proxy has at most `maxSeries` label sets (2,000 unless a TelemetryPolicy says otherwise). What is beyond is counted under",
    '`destination_service="overflow"`, by class of status and whether it failed, so that sums stay right; `weft_telemetry_series`,',
    "`weft_telemetry_series_limit` and `weft_telemetry_dropped_series_total` show how near it is. A label set without traffic for 720 reports",
    "(an hour or so) is let go, and counts from 0 when it comes again.",
    "",
    "### What a TelemetryPolicy changes",
    "",
    "Dropped labels are left out of the series and of what the control plane is told, and series that differed by them alone become one. Of a",
    "dropped status the class is still counted apart. `direction`, `mtls` and `network_protocol_name` cannot be dropped; a namespace goes with what",
    "it is of. Added labels have at most 128 characters; names of this page are not taken. Metrics that are off are still told to the control plane.",
    "",
    "## The application's own",
    "",
    "Where a workload names a port and path of its own metrics, that page stands behind ours. It is asked for over loopback with a bound of 1 s and",
    "4 MiB. Families whose names are on our page are left out, as are lines that no scraper could read; both are counted. Where the application does not",
    "speak OpenMetrics, the whole page is text.",
    "",
    "## Istio's names",
    "",
    "Beside the ones above, where a TelemetryPolicy asks for them. The last six labels are not Istio's: without them, series that are apart here",
    "would have one name.",
    "",
    ...familyTable(istioFamilies.map((family) => ({ ...family, labelNames: [] }))),
    "",
    `Labels: ${listed(istioLabels)}.`,
    "",
    "## The proxy itself",
    "",
    ...familyTable(operationalFamilies()),
    "",
    "A parent of workers has `weft_workers`, `weft_workers_live` and `weft_worker_restarts_total` besides.",
    "",
    "This page is written from the code; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.",
    "",
  ].join("\n");
}

function familyTable(families: readonly Family[]): string[] {
  const hasLabels = families.some(({ labelNames }) => labelNames.length > 0);
  const rows = families.map(({ name, type, help, labelNames }) => [
    `\`${name}\``,
    type,
    unitOf(name),
    ...(hasLabels ? [listed(labelNames)] : []),
    help,
  ]);
  return markdownTable(["Metric", "Type", "Unit", ...(hasLabels ? ["Labels"] : []), "Meaning"], rows);
}

function unitOf(name: string): string {
  const unit = /_(seconds|milliseconds|bytes)(?:_total)?$/.exec(name)?.[1];
  return unit ?? (/_info$|_connected$|_revision$/.test(name) ? "" : "count");
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
