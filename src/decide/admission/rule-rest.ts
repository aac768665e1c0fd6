/**
 * What is left of rules once some of their conditions are known for good: what the caller decides, for a connection; what the
 * method decides, for its requests of that method; and what the first segment of the path decides, for those that have it. A
 * rule that can match no more is gone; one that is left asks the rest.
 */
import type { Condition } from "./condition.ts";
import type { RuleOutcome } from "./prepared-policy.ts";
import type { RequestFacts } from "./request-facts.ts";
import { type Alternative, needsOfAll, type PreparedRule } from "./rule-match.ts";
import { isMatch, type PolicyAction } from "./truth.ts";

/** Which conditions are the same for all requests in question. */
export type IsKnown = (condition: Condition) => boolean;

export const byCaller: IsKnown = ({ needs }) => !needs.http;
export const byMethod: IsKnown = ({ needs }) => needs.methodAlone;

/** Of paths of one reading. */
export function byPathHead(head: string): IsKnown {
  return ({ pathHeads }) => pathHeads !== undefined && !pathHeads.has(head);
}

export function conditionsOf({ from, to, when }: PreparedRule): readonly Condition[] {
  return [...from.flat(), ...to.flat(), ...when];
}

/** In their order; `facts`: of any of the requests in question. */
export function restsOf(
  outcomes: readonly RuleOutcome[],
  isKnown: IsKnown,
  facts: RequestFacts,
): RuleOutcome[] {
  const rests: RuleOutcome[] = [];
  for (const outcome of outcomes) {
    const rule = restOf(outcome.rule, isKnown, facts, outcome.by.action);
    if (rule !== undefined) rests.push(rule === outcome.rule ? outcome : { ...outcome, rule });
  }
  return rests;
}

/** Undefined: it does not match. */
function restOf(
  rule: PreparedRule,
  isKnown: IsKnown,
  facts: RequestFacts,
  action: PolicyAction,
): PreparedRule | undefined {
  if (!conditionsOf(rule).some(isKnown)) return rule;
  const restOfAll = (conditions: Alternative): Alternative | undefined => {
    const known = conditions.filter(isKnown);
    if (!known.every((condition) => isMatch(condition.holds(facts), action))) return undefined;
    return known.length === 0 ? conditions : conditions.filter((condition) => !isKnown(condition));
  };
  /** Undefined: none holds. Empty: nothing is left to ask, as where nothing was asked. */
  const restOfAny = (alternatives: readonly Alternative[]): readonly Alternative[] | undefined => {
    if (alternatives.length === 0) return alternatives;
    const rests = alternatives.map(restOfAll).filter((rest) => rest !== undefined);
    if (rests.length === 0) return undefined;
    return rests.some((rest) => rest.length === 0) ? [] : rests;
  };
  const from = restOfAny(rule.from);
  const to = restOfAny(rule.to);
  const when = restOfAll(rule.when);
  if (from === undefined || to === undefined || when === undefined) return undefined;
  return { name: rule.name, from, to, when, needs: needsOfAll([...from.flat(), ...to.flat(), ...when]) };
}
