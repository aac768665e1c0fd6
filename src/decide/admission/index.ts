export type { TrustDomains } from "./caller-view.ts";
export {
  type AuthorizationExplanation,
  AuthorizationTable,
  type AuthorizationVerdict,
  type PolicyExplanation,
  type PolicyVerdict,
  type RuleExplanation,
} from "./authorization.ts";
export type { CustomPolicy, DecidedBy } from "./prepared-policy.ts";
export { readPath } from "./path-readings.ts";
export { TokenBucket, TokenRate } from "./rate-bucket.ts";
export { RatePlan } from "./rate-plan.ts";
export type { AdmissionRequest, CallerFacts, Claims, HttpFacts } from "./request.ts";
