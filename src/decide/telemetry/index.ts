export type { TelemetryFacts, TelemetryHttpFacts } from "./facts.ts";
export type {
  PreparedAccessLog,
  PreparedLabel,
  PreparedMetrics,
  PreparedRedaction,
  PreparedTelemetry,
  PreparedTracing,
} from "./settings.ts";
export { prepareTapFilter } from "./tap-filter.ts";
export { prepareTapRedaction } from "./tap-redaction.ts";
