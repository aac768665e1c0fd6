export type { Agent, AgentStatus, PendingLookup, Resolved, TelemetrySource } from "./agent.ts";
export type { CertificateSummary } from "./gateway-certificate.ts";
export type { PortTlsChoice, PreparedPortTls } from "./port-tls.ts";
export { createAgent } from "./proxy-agent.ts";
export type { PreparedGatewayPort, PreparedOutbound, Snapshot } from "./snapshot.ts";
export type { Rejection } from "./staging.ts";
export { SuppliedAgent, type SuppliedChange } from "./supplied-agent.ts";
