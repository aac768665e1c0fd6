export { rateLimitFilter } from "./rate-limit-filter.ts";
