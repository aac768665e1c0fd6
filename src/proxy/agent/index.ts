export type { Agent, AgentStatus, PendingLookup, Resolved, TelemetrySource } from "./agent.ts";
export { createAgent } from "./proxy-agent.ts";
export type { PreparedGatewayPort, PreparedOutbound, Snapshot } from "./snapshot.ts";
