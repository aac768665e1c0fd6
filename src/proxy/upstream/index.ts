export {
  type PickRequest,
  randomHash,
  sessionId,
  sessionIdLength,
} from "./balancer/index.ts";
export { directLimits, newestView, OrderedPicker, type UpstreamCluster, versionRule } from "./cluster.ts";
export { UpstreamEndpoint } from "./endpoint.ts";
export { encodePreface, HopDialer, type HopTarget, hopAlpn, maxPrefaceBytes } from "./hop.ts";
export { PeerTrust } from "./peer-trust.ts";
export { OriginTls } from "./origin-tls.ts";
export type { PoolWaiter, UpstreamHandler, UpstreamRequest, UpstreamStream } from "./http-upstream.ts";
export { Upstreams } from "./upstreams.ts";
export type { GuardListener } from "./cluster-guard.ts";
export type { EjectionReason } from "./outlier/endpoint-outcomes.ts";
export { statusOfGrpc } from "./outlier/grpc-outcome.ts";
export { RequestLimit } from "./request-limit.ts";
