export type { Agent, AgentStatus, PendingLookup, Resolved, TelemetrySource } from "./agent.ts";
export { createAgent } from "./proxy-agent.ts";
export type { PreparedGatewayPort, PreparedOutbound, Snapshot } from "./snapshot.ts";
export type { Rejection } from "./staging.ts";
export { SuppliedAgent } from "./supplied-agent.ts";
