export { type Rejection, SuppliedAgent } from "./agent/index.ts";
export { type GatewayListen, parseBootstrap, type ProxyBootstrap } from "./bootstrap.ts";
export { type RunningProxy, runProxy } from "./running-proxy.ts";
export { startProxy } from "./start-proxy.ts";
