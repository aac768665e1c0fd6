export type { TrustDomains } from "./caller-view.ts";
export {
  AuthorizationTable,
  type AuthorizationVerdict,
  type PolicyVerdict,
} from "./authorization.ts";
export type { CustomPolicy, DecidedBy } from "./prepared-policy.ts";
export { readPath } from "./path-readings.ts";
export { TokenBucket, TokenRate } from "./rate-bucket.ts";
export { RatePlan } from "./rate-plan.ts";
