export {
  RateLimitRequestSchema,
  RateLimitResponse_Code,
  RateLimitResponseSchema,
} from "../gen/envoy/service/ratelimit/v3/rls_pb.js";

/** For whoever loads it late. */
export type RateLimitMessages = typeof import("../gen/envoy/service/ratelimit/v3/rls_pb.js");
