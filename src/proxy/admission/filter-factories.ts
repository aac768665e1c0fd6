/** The filters that there are, made for one proxy. Loaded with its first admission: most proxies of a mesh may have none. */
import type { FilterFactories } from "./admissions.ts";
import { AuthorizationFilter } from "./authorization-filter.ts";
import { externalAuthorization } from "./external/index.ts";
import { jwtFilter, JwtVerifiers } from "./jwt/index.ts";
import { rateLimitFilter } from "./rate-limit/index.ts";

export function makeFactories(): FilterFactories {
  const verifiers = new JwtVerifiers();
  return {
    authorization: (model, options) => new AuthorizationFilter(model, options),
    jwt: (model, context) => jwtFilter(model, context, verifiers),
    external: externalAuthorization,
    rateLimits: rateLimitFilter,
  };
}
