/**
 * What becomes of a policy of security or rate at each of its targets: whether there is such a thing, what of it has no
 * effect because of a farther or an older policy, which of its rules can never match, and whom it cannot ask.
 */
import { securityTargets } from "../../api/index.ts";
import type { InputReader } from "../inputs.ts";
import { lastGoodStays, policyUpdate } from "../policy-ancestors.ts";
import { type ComputedCondition, condition, type StatusUpdate } from "../status.ts";
import { authenticationFindings } from "./authentication-status.ts";
import { authorizationFindings } from "./authorization-status.ts";
import { spotsOfNamespace, spotsOfTarget } from "./places.ts";
import type { AimedAt, Findings } from "./findings.ts";
import { rateLimitFindings } from "./rate-limit-status.ts";
import { type SecurityInput, type SecurityKind, type TargetReference } from "./security-input.ts";
import { rawPlaces, targetProblem } from "./target-problems.ts";

/** More of them nobody reads in a message. */
const maxListed = 8;

export function securityStatus(
  inputs: InputReader,
  kind: SecurityKind,
  path: string,
): StatusUpdate | undefined {
  const found = inputs.security.policy(kind, path);
  if (found === undefined) return undefined;
  const { policy, problem, isFallback } = found;
  const { targetRefs, selector } = policy.spec;
  return policyUpdate<TargetReference | undefined>(kind, policy, {
    targets: targetRefs ?? (selector === undefined ? [] : [undefined]),
    problem: problem && `${problem}; ${isFallback ? failsClosed : lastGoodStays}`,
    groupOf: (target) => securityTargets[target].group,
    conditionsAt: (target) => conditionsAt(inputs, policy, target),
  });
}

const failsClosed =
  "no version of it could be, so until then such a rule allows nothing, or denies whatever its condition is";

function conditionsAt(
  inputs: InputReader,
  policy: SecurityInput,
  target: TargetReference | undefined,
): ComputedCondition[] {
  const { namespace } = policy.metadata;
  const problem = target && targetProblem(inputs, namespace, target);
  if (problem !== undefined) return [condition("Accepted", false, problem.reason, problem.message)];
  const aimed: AimedAt =
    target === undefined
      ? { farther: spotsOfNamespace(namespace), own: undefined, raw: [] }
      : { ...spotsOfTarget(inputs, namespace, target), raw: rawPlaces(inputs, namespace, target) };
  const { notes, lost, isAllLost, references } = findingsOf(inputs, policy, aimed);
  const resolution = references === undefined ? [] : [resolutionOf(references)];
  if (isAllLost) return [condition("Accepted", false, "Conflicted", listed(lost)), ...resolution];
  const datagrams = aimed.raw.filter(({ isDatagrams }) => isDatagrams).map(({ name }) => name);
  const all = [
    ...notes,
    ...(datagrams.length === 0 ? [] : [`not enforced for datagrams: ${datagrams.join(", ")}`]),
  ];
  return [
    condition("Accepted", true, "Accepted", listed(all)),
    ...(lost.length === 0 ? [] : [condition("Conflicted", true, "Conflicted", listed(lost))]),
    ...resolution,
  ];
}

function findingsOf(inputs: InputReader, policy: SecurityInput, aimed: AimedAt): Findings {
  switch (policy.kind) {
    case "AuthorizationPolicy":
      return authorizationFindings(inputs, policy, aimed);
    case "AuthenticationPolicy":
      return authenticationFindings(inputs, policy, aimed);
    case "RateLimitPolicy":
      return rateLimitFindings(inputs, policy, aimed);
  }
}

function resolutionOf({ reason, problems }: NonNullable<Findings["references"]>): ComputedCondition {
  return problems.length === 0
    ? condition("ResolvedRefs", true, "ResolvedRefs", "")
    : condition("ResolvedRefs", false, reason, listed(problems));
}

function listed(entries: readonly string[]): string {
  const shown = entries.slice(0, maxListed).join("; ");
  return entries.length > maxListed ? `${shown}; and ${entries.length - maxListed} more` : shown;
}
