export { attributeNames } from "./attribute.ts";
export { defaults, keeps } from "./defaults.ts";
export type { TelemetryFacts, TelemetryHttpFacts } from "./facts.ts";
export { prepareTelemetry } from "./prepare.ts";
export type {
  PreparedAccessLog,
  PreparedLabel,
  PreparedMetrics,
  PreparedRedaction,
  PreparedTelemetry,
  PreparedTracing,
} from "./settings.ts";
