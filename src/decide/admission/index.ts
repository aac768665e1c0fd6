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
export { type RateSettings, TokenBucket, TokenRate } from "./rate-bucket.ts";
export { prepareRuleMatcher } from "./rule-matcher.ts";
export { RatePlan, type RuleMatcher } from "./rate-plan.ts";
export type { AdmissionRequest, CallerFacts, Claims, HttpFacts } from "./request.ts";
