export { type RateSettings, TokenBucket, TokenRate } from "./rate-bucket.ts";
export { RatePlan, type RuleMatcher } from "./rate-plan.ts";
export type { AdmissionRequest, CallerFacts, Claims, HttpFacts } from "./request.ts";
