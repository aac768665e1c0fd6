/** The filters that there are, made for one proxy. */
import type { FilterFactories } from "./admissions.ts";
import { externalAuthorization } from "./external/index.ts";
import { jwtFilter, JwtVerifiers } from "./jwt/index.ts";
import { rateLimitFilter } from "./rate-limit/index.ts";

export function filterFactories(): FilterFactories {
  const verifiers = new JwtVerifiers();
  return {
    jwt: (model, context) => jwtFilter(model, context, verifiers),
    external: externalAuthorization,
    rateLimits: rateLimitFilter,
  };
}
