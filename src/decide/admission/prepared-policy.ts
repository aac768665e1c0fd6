/** A policy, prepared: which of its rules matches a request, and what is said where one does. */
import {
  AuthorizationAction,
  type AuthorizationLevel,
  type AuthorizationPolicy,
  type ExternalAuthorization,
  type Source,
} from "../../model/index.ts";
import { needsNothing } from "./condition.ts";
import type { RequestFacts } from "./request-facts.ts";
import { matchesRule, type PreparedRule, prepareRule } from "./rule-match.ts";
import type { PolicyAction } from "./truth.ts";

/** The rule of a policy that said the word. */
export interface DecidedBy {
  readonly source: Source;
  /** Its name or place; empty: none of the policy's rules did, which decided. */
  readonly rule: string;
  readonly action: PolicyAction;
}

/** Of what decides nothing. */
export type PolicyVerdict = "audited" | "would_deny";

export type PolicyNote = (by: DecidedBy, verdict: PolicyVerdict) => void;

/** A service that must be asked before anything is allowed. */
export interface CustomPolicy {
  readonly by: DecidedBy;
  /** Undefined: there is none, and nothing can be let through. */
  readonly external: ExternalAuthorization | undefined;
}

export interface Allowed {
  readonly verdict: "allow";
  readonly by: DecidedBy | undefined;
}

export interface Denied {
  readonly verdict: "deny";
  readonly by: DecidedBy | undefined;
  readonly level: AuthorizationLevel | undefined;
  /** Whose word it is, and what would change it. For operators. */
  readonly hint: string;
}

/** What a match of the rule leads to. None of it depends on the request, so it is made once. */
export interface RuleOutcome {
  readonly rule: PreparedRule;
  readonly by: DecidedBy;
  readonly allowed: Allowed;
  readonly denied: Denied;
  readonly custom: CustomPolicy;
}

export class PreparedPolicy {
  readonly source: Source;
  readonly action: PolicyAction;
  readonly level: AuthorizationLevel;
  readonly isDryRun: boolean;
  readonly rules: readonly RuleOutcome[];
  /** None of its rules. */
  readonly byNone: DecidedBy;

  constructor(policy: AuthorizationPolicy) {
    const source: Source = policy.source ?? unnamed;
    const action = actionOf(policy.action);
    this.source = source;
    this.action = action ?? "deny";
    this.level = policy.level;
    this.isDryRun = policy.dryRun;
    this.byNone = { source, rule: "", action: this.action };
    // What to do is not known, so nobody may pass: a rule without conditions.
    const rules = action === undefined ? [matchesAll] : policy.rules.map(prepareRule);
    this.rules = rules.map((rule) => this.#outcomeOf(rule, policy.external));
  }

  toString(): string {
    return `${this.source.kind} ${this.source.namespace}/${this.source.name}`;
  }

  #outcomeOf(rule: PreparedRule, external: ExternalAuthorization | undefined): RuleOutcome {
    const by: DecidedBy = { source: this.source, rule: rule.name, action: this.action };
    const place = rule.name === "" ? "" : ` ${rule.name}`;
    const hint = `${this.toString()}${place} denies it; narrow that rule, or send a request that it does not match`;
    return {
      rule,
      by,
      allowed: { verdict: "allow", by },
      denied: { verdict: "deny", by, level: this.level, hint },
      custom: { by, external },
    };
  }
}

/** The first rule that matches. */
export function firstMatch(outcomes: readonly RuleOutcome[], facts: RequestFacts): RuleOutcome | undefined {
  for (let i = 0; i < outcomes.length; i++) {
    const outcome = outcomes[i];
    if (outcome !== undefined && matchesRule(outcome.rule, facts, outcome.by.action)) return outcome;
  }
  return undefined;
}

/** It matches whatever is asked: no condition is left. */
export function isSettled({ rule: { from, to, when } }: RuleOutcome): boolean {
  return from.length + to.length + when.length === 0;
}

const unnamed: Source = {
  $typeName: "weft.model.v1.Source",
  kind: "AuthorizationPolicy",
  namespace: "",
  name: "",
  section: "",
};

const matchesAll: PreparedRule = {
  name: "",
  from: [],
  to: [],
  when: [],
  needs: needsNothing,
};

function actionOf(action: AuthorizationAction): PolicyAction | undefined {
  switch (action) {
    case AuthorizationAction.DENY:
      return "deny";
    case AuthorizationAction.CUSTOM:
      return "custom";
    case AuthorizationAction.ALLOW:
      return "allow";
    case AuthorizationAction.AUDIT:
      return "audit";
    default:
      return undefined;
  }
}
