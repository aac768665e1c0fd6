export { admitInbound, InboundTable, type PreparedInboundPort } from "./inbound.ts";
export type { HttpRequestView } from "./request-view.ts";
export { RouteTable } from "./route-table.ts";
export { type PreparedBackend, selectBackend } from "./rule.ts";
export { selectVirtualHost, VirtualHostTable } from "./virtual-host.ts";
