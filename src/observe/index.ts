export { Aggregator } from "./aggregator.ts";
export { type TelemetryMethods, telemetryMethods } from "./telemetry-methods.ts";
export { topology } from "./topology.ts";
export type { SeriesTotal } from "./totals.ts";
