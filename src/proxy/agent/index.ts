export type {
  Agent,
  AgentStatus,
  PendingLookup,
  Resolved,
  TapHandler,
  TapSender,
  TelemetrySource,
} from "./agent.ts";
export type { DemandName } from "./demands.ts";
export type { PortTlsChoice } from "./port-tls.ts";
export { JoinedReports } from "./joined-reports.ts";
export type { AgentLookup, ParentLink } from "./parent-link.ts";
export { createAgent, type ParentAgent } from "./proxy-agent.ts";
export type { ListenerAdmission, PreparedGatewayPort, PreparedOutbound, Snapshot } from "./snapshot.ts";
export type { Rejection } from "./staging.ts";
export { SuppliedAgent } from "./supplied-agent.ts";
export type { SuppliedChange } from "./supplied-change.ts";
export { TapRelay } from "./tap-relay.ts";
export { type Standing, WorkerAgent } from "./worker-agent.ts";
