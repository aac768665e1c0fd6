export { Aggregator } from "./aggregator.ts";
export { PlaintextCallers } from "./plaintext-callers.ts";
export { PolicyDecisions, type PolicyDecisionTotal } from "./policy-decisions.ts";
export { Refusals } from "./refusals.ts";
export { type TelemetryMethods, telemetryMethods } from "./telemetry-methods.ts";
export { TapHub } from "./tap/tap-hub.ts";
export type { RunningTap, TapListener, TapTarget } from "./tap/tap-spec.ts";
export { topology } from "./topology.ts";
export type { SeriesTotal } from "./totals.ts";
