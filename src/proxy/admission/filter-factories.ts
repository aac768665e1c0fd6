/** The filters that there are, made for one proxy. */
import { prepareRuleMatcher, type RuleMatcher } from "../../decide/index.ts";
import type { FilterFactories } from "./admissions.ts";
import type { AdmissionContext } from "./context.ts";
import { externalAuthorization } from "./external/index.ts";
import { jwtFilter, JwtVerifiers } from "./jwt/index.ts";
import { rateLimitFilter } from "./rate-limit/index.ts";

export function filterFactories(): FilterFactories {
  const verifiers = new JwtVerifiers();
  return {
    jwt: (model, context) => jwtFilter(model, context, verifiers),
    external: externalAuthorization,
    rateLimits: (limits, context) => rateLimitFilter(limits, context, matcherOf(context)),
  };
}

function matcherOf(context: AdmissionContext): RuleMatcher {
  return (rules) => {
    const { trustDomain = "", trustDomainAliases = [] } = context.mesh() ?? {};
    return prepareRuleMatcher(rules, { trustDomain, trustDomainAliases });
  };
}
