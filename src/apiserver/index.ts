export { AuditLog } from "./audit/audit-log.ts";
export type { ApiListen, ApiTls } from "./listeners.ts";
export type { AskedTap } from "./tap/tap-query.ts";
export type { TapProviders } from "./tap/tap-endpoints.ts";
export type { ExplainProvider } from "./explain-endpoint.ts";
export type { EffectiveQuestion, PlanProvider } from "./plan-endpoint.ts";
export type { PlannedChange } from "./planned-writes.ts";
export type { ScrapeProviders } from "./mesh-endpoints.ts";
export { type ApiServer, type OidcSettings, startApiServer } from "./server.ts";
export type { TelemetryProviders } from "./telemetry-endpoints.ts";
export type {
  RolloutCandidate,
  RolloutCommit,
  RolloutProviders,
} from "./rollout/rollout-endpoints.ts";
