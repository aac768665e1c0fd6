export {
  type AgentLookup,
  type AgentStatus,
  createAgent,
  type DemandName,
  JoinedReports,
  type ParentAgent,
  type ParentLink,
  type Rejection,
  type Standing,
  SuppliedAgent,
  type SuppliedChange,
  TapRelay,
  WorkerAgent,
} from "./agent/index.ts";
export type { AvoidedEndpoint } from "./avoidance.ts";
export { type GatewayListen, type ListenAddress, parseBootstrap, type ProxyBootstrap } from "./bootstrap.ts";
export { NameService } from "./name-service.ts";
export type { ProxyPlan } from "./proxy-parts.ts";
export { type BoundAddresses, type RunningProxy, runProxy } from "./running-proxy.ts";
export { ApplicationMetrics } from "./telemetry/index.ts";
