export { parseBootstrap, type ProxyBootstrap } from "./bootstrap.ts";
export { startProxy } from "./start-proxy.ts";
