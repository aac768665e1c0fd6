export { type Rejection, SuppliedAgent, type SuppliedChange } from "./agent/index.ts";
export type { AvoidedEndpoint } from "./avoidance.ts";
export { type GatewayListen, parseBootstrap, type ProxyBootstrap } from "./bootstrap.ts";
export { type ProxyPlan, type RunningProxy, runProxy } from "./running-proxy.ts";
export { startProxy } from "./start-proxy.ts";
