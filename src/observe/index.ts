export { Aggregator } from "./aggregator.ts";
export { PlaintextCallers } from "./plaintext-callers.ts";
export { PolicyTotals } from "./policy-totals.ts";
export { Refusals } from "./refusals.ts";
export { type TelemetryMethods, telemetryMethods } from "./telemetry-methods.ts";
export { topology } from "./topology.ts";
export type { SeriesTotal } from "./totals.ts";
