/**
 * Authorization as docs/reference/authorization-decisions.md words it, with nothing of the product but the messages: nothing is
 * prepared, every rule is tried in every reading of the path.
 */
import type { AdmissionRequest } from "../../../src/decide/index.ts";
import {
  AuthorizationAction,
  AuthorizationLevel,
  type Authorization,
  type AuthorizationPolicy,
  type AuthorizationRule,
} from "../../../src/model/index.ts";
import type { Case, MeshNames } from "./case.ts";
import { type Certainty, negated } from "./certainty.ts";
import { evaluateByTheText } from "./expression-by-the-text.ts";
import { callerByTheText, type Lists, operationByTheText } from "./lists-by-the-text.ts";
import { readingsByTheText } from "./text-readings.ts";

interface Question {
  readonly request: AdmissionRequest;
  readonly mesh: MeshNames;
  /** Of the path; undefined: it cannot be read. */
  readonly readings: readonly (string | undefined)[];
}

export interface Outcome {
  /** "allow", "deny" or "ask". */
  readonly verdict: string;
  /** Policy and rule; of "ask" all of them. */
  readonly by: string;
  /** What was noted, in order. */
  readonly notes: readonly string[];
}

export function decideByTheText(
  authorization: Authorization,
  request: AdmissionRequest,
  mesh: MeshNames,
): Outcome {
  const { policies } = authorization;
  const notes: string[] = [];
  const question = { request, mesh, readings: readingsByTheText(request.http?.path ?? "") ?? [undefined] };
  for (const policy of policies) {
    const isTold = policy.action === AuthorizationAction.AUDIT || policy.dryRun;
    if (!isTold || policy.action === AuthorizationAction.ALLOW) continue;
    const rule = ruleOf(policy, question);
    if (rule !== undefined)
      notes.push(`${rule} ${policy.action === AuthorizationAction.DENY ? "would_deny" : "audited"}`);
  }
  const inForce = policies.filter((policy) => !policy.dryRun);
  for (const policy of inForce.filter(({ action }) => action === AuthorizationAction.DENY)) {
    const rule = ruleOf(policy, question);
    if (rule !== undefined) return { verdict: "deny", by: rule, notes };
  }
  const asked = inForce
    .filter(({ action }) => action === AuthorizationAction.CUSTOM)
    .flatMap((policy) => ruleOf(policy, question) ?? []);
  if (asked.length > 0) return { verdict: "ask", by: asked.join(", "), notes };
  return allowByTheText(authorization, question, notes);
}

const levelsInOrder = [
  AuthorizationLevel.MESH,
  AuthorizationLevel.NAMESPACE,
  AuthorizationLevel.WORKLOAD,
  AuthorizationLevel.ROUTE,
];

function allowByTheText(
  { policies, defaultDeny, unitesLevels }: Authorization,
  question: Question,
  notes: string[],
): Outcome {
  const allows = policies.filter(({ action }) => action === AuthorizationAction.ALLOW);
  const levels = unitesLevels
    ? [allows]
    : levelsInOrder.map((level) => allows.filter((each) => each.level === level));
  let by = "";
  let isAsked = false;
  for (const level of levels) {
    const inForce = level.filter(({ dryRun }) => !dryRun);
    const rule = inForce.flatMap((policy) => ruleOf(policy, question) ?? [])[0];
    if (rule !== undefined) by = rule;
    else if (inForce.length > 0) return { verdict: "deny", by: "", notes };
    else if (!level.some((policy) => ruleOf(policy, question) !== undefined))
      notes.push(...level.map((policy) => `${nameOf(policy)} would_deny`));
    isAsked ||= inForce.length > 0;
  }
  return { verdict: isAsked || !defaultDeny ? "allow" : "deny", by, notes };
}

function nameOf({ source }: AuthorizationPolicy): string {
  return `${source?.namespace}/${source?.name}`;
}

/** The first rule that matches. */
function ruleOf(policy: AuthorizationPolicy, { request, mesh, readings }: Question): string | undefined {
  const rule = policy.rules.find((each) => {
    const matches = readings.map((path) => isMatch(each, { request, mesh, path }, policy.action));
    return policy.action === AuthorizationAction.ALLOW ? !matches.includes(false) : matches.includes(true);
  });
  return rule && `${nameOf(policy)} ${rule.name}`;
}

function isMatch(rule: AuthorizationRule, tried: Case, action: AuthorizationAction): boolean {
  const suffices = (certainty: Certainty): boolean =>
    certainty === "yes" ||
    (certainty === "unknown" && action !== AuthorizationAction.ALLOW) ||
    (certainty === "error" && action === AuthorizationAction.DENY);
  const holds = (lists: Lists): boolean =>
    lists.every(({ wanted, excluded, compare }) => {
      const isWanted = wanted.length === 0 || suffices(plain(compare(wanted)));
      return isWanted && (excluded.length === 0 || suffices(negated(compare(excluded))));
    });
  return (
    (rule.from.length === 0 || rule.from.some((from) => holds(callerByTheText(from, tried)))) &&
    (rule.to.length === 0 || rule.to.some((to) => holds(operationByTheText(to, tried)))) &&
    rule.when.every((expression) => {
      const value = evaluateByTheText(expression, tried);
      return suffices(
        typeof value === "boolean" ? (value ? "yes" : "no") : value === "unknown!" ? "unknown" : "error",
      );
    })
  );
}

/** Where there is nothing to compare, nothing matches. */
function plain(certainty: Certainty | "absent"): Certainty {
  return certainty === "absent" ? "no" : certainty;
}
