/** Rules as limits read them: which requests count. What cannot be known for certain counts, as it does for a deny policy. */
import type { AuthorizationRule } from "../../model/index.ts";
import { CallerView, type TrustDomains } from "./caller-view.ts";
import type { AdmissionRequest } from "./request.ts";
import { RequestFacts } from "./request-facts.ts";
import { matchesRule, prepareRule } from "./rule-match.ts";

/** True where any of the rules matches, or there is none. */
export function prepareRuleMatcher(
  rules: readonly AuthorizationRule[],
  mesh: TrustDomains,
): (request: AdmissionRequest) => boolean {
  if (rules.length === 0) return () => true;
  const prepared = rules.map(prepareRule);
  return (request) => {
    const facts = new RequestFacts(request, new CallerView(request.caller, mesh));
    return prepared.some((rule) => matchesRule(rule, facts, "deny"));
  };
}
