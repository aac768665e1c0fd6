export { Aggregator } from "./aggregator.ts";
export { type Ejection, Ejections } from "./ejections.ts";
export { type Hit } from "./hits.ts";
export { PlaintextCallers } from "./plaintext-callers.ts";
export { PolicyDecisions, type PolicyDecisionTotal } from "./policy-decisions.ts";
export { PrometheusClient } from "./prometheus/prometheus-client.ts";
export {
  prometheusServiceSums,
  prometheusSignals,
  prometheusTopology,
} from "./prometheus/prometheus-views.ts";
export { Refusals } from "./refusals.ts";
export { Reporters } from "./reporters.ts";
export { type Series } from "./series.ts";
export { type TelemetryMethods, telemetryMethods } from "./telemetry-methods.ts";
export { TapHub } from "./tap/tap-hub.ts";
export type { RunningTap, TapListener, TapTarget } from "./tap/tap-spec.ts";
export type { SeriesTotal } from "./totals.ts";
export { Figures, foldBy, sumSeries, withoutDoubles } from "./views/figures.ts";
export { type SignalGrouping, signalGroupings, signals, type SignalsQuery } from "./views/signals.ts";
export { type NodeNames, topology, type TopologyQuery } from "./views/topology.ts";
export type { Span } from "./window/rolling-window.ts";
export { SlotFile } from "./window/slot-file.ts";
