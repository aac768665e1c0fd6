export { type Counter, CounterFamily, GaugeFamily, type MetricFamily } from "./counters.ts";
export { PlaintextCallers } from "./plaintext-callers.ts";
export { PolicyCounters, policyName } from "./policy-counters.ts";
export { encodeMetrics } from "./prometheus.ts";
export { ReportBuilder } from "./report.ts";
export { RecentRefusals } from "./refusals.ts";
export { type EdgeLabels, type EdgeSeries, SeriesRegistry } from "./series.ts";
