export type { PickRequest } from "./balancer.ts";
export { ClusterPicker } from "./cluster-picker.ts";
export { randomHash } from "./hash.ts";
export { type BalancerMember, Warmth } from "./member.ts";
export { PeakEwma } from "./peak-ewma.ts";
export { sessionId, sessionIdLength } from "./session-id.ts";
