export { attributeNames } from "./attribute.ts";
export { defaults } from "./defaults.ts";
export type { TelemetryFacts, TelemetryHttpFacts } from "./facts.ts";
export { defaultRedaction, prepareTapFilter, prepareTelemetry } from "./prepare.ts";
export { hidden } from "./redaction.ts";
export type {
  PreparedAccessLog,
  PreparedLabel,
  PreparedMetrics,
  PreparedRedaction,
  PreparedTelemetry,
  PreparedTracing,
} from "./settings.ts";
export {
  formatProblemText,
  type GrpcStatusForm,
  type LogSegment,
  type LogValue,
  parseLogFormat,
} from "./log-format.ts";
export { type LogOperator, type LogOperatorInfo, logOperators, type ValueOperator } from "./log-operators.ts";
export { formatTime } from "./log-time.ts";
