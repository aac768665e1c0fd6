export { directLimits, OrderedPicker, type UpstreamCluster } from "./cluster.ts";
export { UpstreamEndpoint } from "./endpoint.ts";
export { encodePreface, HopDialer, type HopTarget, hopAlpn, maxPrefaceBytes } from "./hop.ts";
export { type PoolWaiter } from "./http-pool.ts";
export { type HttpUpstream, type UpstreamHandler } from "./http-upstream.ts";
export { Upstreams } from "./upstreams.ts";
