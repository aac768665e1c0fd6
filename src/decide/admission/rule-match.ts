/** A rule, prepared: anyone of `from`, anything of `to`, all of `when`, tried in each reading of the path if it reads that. */
import type { AuthorizationRule } from "../../model/index.ts";
import { prepareCaller } from "./caller-match.ts";
import type { Condition, Needs } from "./condition.ts";
import { prepareExpression } from "./expression.ts";
import { prepareOperation } from "./operation-match.ts";
import type { RequestFacts } from "./request-facts.ts";
import { isMatch, type PolicyAction } from "./truth.ts";

export interface PreparedRule {
  readonly name: string;
  /** One of them must hold as a whole; none: nothing is asked. */
  readonly from: readonly Alternative[];
  readonly to: readonly Alternative[];
  readonly when: readonly Condition[];
  readonly needs: Needs;
}

/** All of them must hold. */
export type Alternative = readonly Condition[];

export function prepareRule(rule: AuthorizationRule): PreparedRule {
  const from = rule.from.map(prepareCaller);
  const to = rule.to.map(prepareOperation);
  const when = rule.when.map((expression, index) =>
    prepareExpression(expression, `when[${index}]`, rule.whenTexts[index] ?? "the condition"),
  );
  return { name: rule.name, from, to, when, needs: needsOfAll([...from.flat(), ...to.flat(), ...when]) };
}

export function needsOfAll(conditions: readonly Condition[]): Needs {
  return {
    http: conditions.some(({ needs }) => needs.http),
    methodAlone: conditions.length > 0 && conditions.every(({ needs }) => needs.methodAlone),
    claims: conditions.some(({ needs }) => needs.claims),
    path: conditions.some(({ needs }) => needs.path),
  };
}

/** An allow needs every reading of the path, everything else any. */
export function matchesRule(rule: PreparedRule, facts: RequestFacts, action: PolicyAction): boolean {
  if (!rule.needs.path) return matchesReading(rule, facts, action);
  const others = facts.readPaths();
  const needsEvery = action === "allow";
  if (matchesReading(rule, facts, action) !== needsEvery) return !needsEvery;
  for (const reading of others) {
    facts.path = reading;
    if (matchesReading(rule, facts, action) !== needsEvery) return !needsEvery;
  }
  return needsEvery;
}

function matchesReading(rule: PreparedRule, facts: RequestFacts, action: PolicyAction): boolean {
  return (
    holdsAny(rule.from, facts, action) &&
    holdsAny(rule.to, facts, action) &&
    holdsAll(rule.when, facts, action)
  );
}

function holdsAny(alternatives: readonly Alternative[], facts: RequestFacts, action: PolicyAction): boolean {
  if (alternatives.length === 0) return true;
  for (let i = 0; i < alternatives.length; i++) {
    const alternative = alternatives[i];
    if (alternative !== undefined && holdsAll(alternative, facts, action)) return true;
  }
  return false;
}

function holdsAll(conditions: Alternative, facts: RequestFacts, action: PolicyAction): boolean {
  for (let i = 0; i < conditions.length; i++) {
    const condition = conditions[i];
    if (condition !== undefined && !isMatch(condition.holds(facts), action)) return false;
  }
  return true;
}

export interface Mismatch {
  /** "to[0].methods: DELETE, wanted is GET". */
  readonly text: string;
  /** How far the request got: the more conditions held, the nearer. */
  readonly held: number;
}

/** Of a rule that does not match: the first field that does not, in the alternative that comes nearest. */
export function explainMismatch(rule: PreparedRule, facts: RequestFacts, action: PolicyAction): Mismatch {
  if (rule.needs.path) {
    const others = facts.readPaths();
    for (const reading of others) {
      if (action !== "allow" || !matchesReading(rule, facts, action)) break;
      facts.path = reading;
    }
  }
  const parts = [
    nearest("from", rule.from, facts, action),
    nearest("to", rule.to, facts, action),
    firstOf("", rule.when, facts, action),
  ];
  const held = parts.reduce((sum, part) => sum + part.held, 0);
  return { text: parts.find(({ text }) => text !== "")?.text ?? "", held };
}

function nearest(
  field: string,
  alternatives: readonly Alternative[],
  facts: RequestFacts,
  action: PolicyAction,
): Mismatch {
  const tried = alternatives.map((each, index) => firstOf(`${field}[${index}].`, each, facts, action));
  const [first = { text: "", held: 0 }, ...rest] = tried;
  return rest.reduce((best, each) => (distance(each) > distance(best) ? each : best), first);
}

function distance({ text, held }: Mismatch): number {
  return text === "" ? Number.POSITIVE_INFINITY : held;
}

/** Text empty: all hold. */
function firstOf(
  prefix: string,
  conditions: Alternative,
  facts: RequestFacts,
  action: PolicyAction,
): Mismatch {
  const failing = conditions.filter((condition) => !isMatch(condition.holds(facts), action));
  const [first] = failing;
  const text = first === undefined ? "" : `${prefix}${first.field}: ${first.explain(facts)}`;
  return { text, held: conditions.length - failing.length };
}
