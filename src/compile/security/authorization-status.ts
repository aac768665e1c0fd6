/** What there is to say of an AuthorizationPolicy at a target. */
import type { InputReader } from "../inputs.ts";
import { referrerOf } from "./admission.ts";
import { resolveAsked } from "./asked-services.ts";
import { compileAccess } from "./access.ts";
import { isDeciding } from "./authorization.ts";
import { type AuthorizationInput, nameOf } from "./security-input.ts";
import type { AimedAt, Findings } from "./findings.ts";
import { levels } from "./aimed-policies.ts";

export function authorizationFindings(
  inputs: InputReader,
  policy: AuthorizationInput,
  aimed: AimedAt,
): Findings {
  const { action, mode, custom } = policy.spec;
  const asked = custom && resolveAsked(inputs, referrerOf(policy), custom.backendRef);
  const references =
    asked &&
    ("cluster" in asked
      ? { reason: "ResolvedRefs", problems: [] }
      : { reason: asked.reason, problems: [`spec.custom.backendRef: ${asked.unresolved}`] });
  return {
    notes: [
      ...(mode === "DryRun" ? ["a dry run: what it would do is logged and counted, and not done"] : []),
      ...(action === "Allow" ? fartherAllows(inputs, aimed) : []),
      ...atRawPlaces(policy, aimed),
    ],
    lost: [],
    isAllLost: false,
    references,
  };
}

function fartherAllows(inputs: InputReader, { farther, own }: AimedAt): string[] {
  const level = own?.level ?? levels.workload;
  const allows = inputs.security
    .authorizationAt({ spots: farther })
    .filter((found) => found.level < level && isDeciding(found.value))
    .map(({ value }) => value.policy)
    .filter(({ spec }) => spec.action === "Allow");
  if (allows.length === 0) return [];
  const names = [...new Set(allows.map(nameOf))].join(", ");
  return inputs.securitySettings().authorizationLevels === "Unite"
    ? [`a request may be allowed by ${names} instead`]
    : [`a request must be allowed by ${names} too`];
}

/** Rules that ask for what a raw connection does not have. */
function atRawPlaces({ spec }: AuthorizationInput, { raw }: AimedAt): string[] {
  const places = raw.filter(({ isDatagrams }) => !isDatagrams).map(({ name }) => name);
  if (places.length === 0) return [];
  const names = spec.rules
    .map((rule, index) => compileAccess(rule.name ?? `rules[${index}]`, rule, "", []))
    .filter(({ needsHttp }) => needsHttp)
    .map(({ content }) => content.name ?? "");
  if (names.length === 0) return [];
  const where = `at ${places.join(", ")}, where no HTTP is read`;
  return spec.action === "Deny" || spec.action === "Custom"
    ? [`${names.join(", ")} matches every connection ${where}`]
    : [`${names.join(", ")} can never match ${where}`];
}
