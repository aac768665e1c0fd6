export type { TrustDomains } from "./caller-view.ts";
export { AuthorizationTable } from "./authorization.ts";
export type { CustomPolicy, DecidedBy, PolicyVerdict } from "./prepared-policy.ts";
export type { AuthorizationVerdict } from "./stages.ts";
export { readPath } from "./path-readings.ts";
export { TokenBucket, TokenRate } from "./rate-bucket.ts";
export { RatePlan } from "./rate-plan.ts";
