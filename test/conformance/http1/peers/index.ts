export { envoy } from "./envoy.ts";
export { haproxy } from "./haproxy.ts";
export { nginx } from "./nginx.ts";
export type { Peer } from "./peer.ts";
export { weft } from "./weft.ts";
