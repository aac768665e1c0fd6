export { PreparedEdits, type PreparedHeader } from "./header-edits.ts";
export {
  admitInbound,
  type InboundAttempt,
  InboundTable,
  type LocalWorkload,
  type PreparedInboundPort,
} from "./inbound.ts";
export { normalizePath } from "./path.ts";
export type { HttpRequestView } from "./request-view.ts";
export { RouteTable } from "./route-table.ts";
export { type PreparedBackend, type PreparedRule, selectBackend } from "./rule.ts";
export { type PreparedVirtualHost, selectVirtualHost, VirtualHostTable } from "./virtual-host.ts";
