export type { TelemetryFacts, TelemetryHttpFacts } from "./facts.ts";
export type {
  PreparedAccessLog,
  PreparedLabel,
  PreparedMetrics,
  PreparedRedaction,
  PreparedTelemetry,
  PreparedTracing,
} from "./settings.ts";
