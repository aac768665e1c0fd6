export { directLimits, OrderedPicker, type UpstreamCluster, versionRule } from "./cluster.ts";
export { UpstreamEndpoint } from "./endpoint.ts";
export { encodePreface, HopDialer, type HopTarget, hopAlpn, maxPrefaceBytes } from "./hop.ts";
export type { PoolWaiter, UpstreamHandler, UpstreamStream } from "./http-upstream.ts";
export { Upstreams } from "./upstreams.ts";
export type { OriginalPlace } from "./original-destinations.ts";
