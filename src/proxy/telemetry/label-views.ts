/** What TelemetryPolicy has to say about labels: some left out, some added. Loaded with the first policy that does. */
import type { PreparedMetrics, TelemetryFacts } from "../../decide/telemetry/index.ts";
import type { EdgeLabels, LabelView } from "./edge-labels.ts";
import type { EdgeSeries } from "./edge-series.ts";
import { keyParts } from "./outcome-key.ts";

/** Of one added label: as much of it as tells values apart that an operator chose. */
const maxValueLength = 128;
/** Values of one edge that are remembered; beyond, they are forgotten and found again in the registry. */
const maxRemembered = 1_000;

/** Gives the same edge for equal labels. */
interface EdgeFinder {
  edge(labels: EdgeLabels): EdgeSeries;
}

interface CountedUnder {
  readonly metrics: PreparedMetrics;
  readonly facts: (() => TelemetryFacts) | undefined;
}

/** The edge itself where the policy says nothing of labels. */
export function edgeUnder(
  registry: EdgeFinder,
  edge: EdgeSeries,
  { metrics, facts }: CountedUnder,
): EdgeSeries {
  if (isPlain(metrics) || edge.isOverflow) return edge;
  if (edge.view?.metrics !== metrics) edge.view = { metrics, byValues: new Map() };
  const { byValues } = edge.view;
  const values = metrics.labels.length === 0 || facts === undefined ? [] : valuesOf(metrics, facts());
  const key = values.join("\n");
  const known = byValues.get(key);
  if (known !== undefined && !known.isEvicted) return known;
  const found = registry.edge(labelsUnder(edge.labels, metrics, values));
  if (byValues.size >= maxRemembered) byValues.clear();
  byValues.set(key, found);
  return found;
}

function isPlain({ labels, dropped, hasIstioNames, isEnabled }: PreparedMetrics): boolean {
  return labels.length === 0 && dropped.size === 0 && !hasIstioNames && isEnabled;
}

function valuesOf({ labels }: PreparedMetrics, facts: TelemetryFacts): string[] {
  return labels.map((label) => label.read(facts).slice(0, maxValueLength));
}

function labelsUnder(labels: EdgeLabels, metrics: PreparedMetrics, values: readonly string[]): EdgeLabels {
  const { dropped } = metrics;
  const kept = (name: string, value: string): string => (dropped.has(name) ? "" : value);
  const isOutbound = labels.direction === "outbound";
  const view: LabelView = {
    hidden: hiddenBy(dropped),
    droppedParts: partsOf(dropped),
    // Of two with one name the first: twice the same would make the whole page unreadable.
    added: metrics.labels
      .map(({ name }, index) => ({ name, value: values[index] ?? "" }))
      .filter(({ name }, index, all) => all.findIndex((other) => other.name === name) === index),
    hasIstioNames: metrics.hasIstioNames,
    isExposed: metrics.isEnabled,
  };
  return {
    ...labels,
    sourceWorkload: kept("source_workload", labels.sourceWorkload),
    // The control plane takes a proxy's word for its own side only, so that side is not blotted out, just not written.
    sourceIdentity: isOutbound ? labels.sourceIdentity : kept("source_identity", labels.sourceIdentity),
    sourceVersion: kept("source_version", labels.sourceVersion),
    sourceLocality: kept("source_locality", labels.sourceLocality),
    destinationWorkload: kept("destination_workload", labels.destinationWorkload),
    destinationIdentity: isOutbound
      ? kept("destination_identity", labels.destinationIdentity)
      : labels.destinationIdentity,
    destinationService: kept("destination_service", labels.destinationService),
    destinationPort: dropped.has("destination_port") ? 0 : labels.destinationPort,
    destinationVersion: kept("destination_version", labels.destinationVersion),
    destinationLocality: kept("destination_locality", labels.destinationLocality),
    route: kept("http_route", labels.route),
    view,
  };
}

/** These tell series apart that stay apart here, and have two or three values: they are written whatever a policy says. */
const lasting: ReadonlySet<string> = new Set(["direction", "mtls", "network_protocol_name"]);

function hiddenBy(dropped: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...dropped].filter((name) => !lasting.has(name)));
}

function partsOf(dropped: ReadonlySet<string>): number {
  return (
    (dropped.has("http_request_method") ? keyParts.method : 0) |
    (dropped.has("http_response_status_code") ? keyParts.status : 0) |
    (dropped.has("rpc_grpc_status_code") ? keyParts.grpcStatus : 0) |
    (dropped.has("error_type") ? keyParts.reason : 0)
  );
}
