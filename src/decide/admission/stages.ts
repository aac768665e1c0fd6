/**
 * The stages of a decision with the rules that may still match: of a whole table, of callers that are alike to it, of one method
 * of theirs. What is left for a kind is worked out for its first request and shared by all of the kind. How much is kept is
 * bounded: beyond, more rules are tried than need be, with the same verdict.
 */
import type { Authorization } from "../../model/index.ts";
import { AllowStage } from "./allow-stage.ts";
import type { Condition } from "./condition.ts";
import {
  type Allowed,
  type CustomPolicy,
  type Denied,
  firstMatch,
  type PolicyNote,
  type PreparedPolicy,
  type RuleOutcome,
} from "./prepared-policy.ts";
import type { RequestFacts } from "./request-facts.ts";
import { byCaller, byMethod, conditionsOf, type IsKnown, restsOf } from "./rule-rest.ts";
import { isMatch, type PolicyAction } from "./truth.ts";

/** Deny `by` undefined: no rule of the level's allow policies matched. Allow `by` undefined: there is no allow policy. */
export type AuthorizationVerdict =
  | Allowed
  | Denied
  /** All of them, then the allow stage. */
  | { readonly verdict: "ask"; readonly custom: readonly CustomPolicy[] };

/** Rules of all kinds that one table keeps. */
const maxKeptRules = 8_192;
/** Of one, about. */
const bytesOfRule = 200;
/** What the rest of a kind takes beside its rules, in rules. */
const rulesForStages = 4;

/** Clients make up methods; of those a caller may use, each costs memory. */
const keptMethods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

interface Parts {
  /** Of each policy that only tells: of action audit, and dry runs but of action allow. */
  readonly told: readonly Rules[];
  readonly denies: Rules;
  /** Of each policy. */
  readonly customs: readonly Rules[];
  readonly allows: AllowStage;
}

type Rules = readonly RuleOutcome[];

const noRules: Rules = [];

interface CallerCondition {
  readonly condition: Condition;
  readonly action: PolicyAction;
}

export class Stages {
  readonly #parts: Parts;
  /** Shared by all kinds of a table. */
  readonly #room: { rules: number };
  readonly #callerConditions: readonly CallerCondition[];
  readonly #readsMethod: boolean;
  /** There are conditions for `ofCaller` to settle. */
  readonly readsCaller: boolean;
  /** By what the caller's conditions come to: "1" for each that holds, "0" for each that does not. */
  readonly #ofCallers = new Map<string, Stages>();
  readonly #ofMethods = new Map<string, Stages>();

  private constructor(parts: Parts, room: { rules: number }) {
    const conditions = rulesOf(parts).flatMap(({ rule, by: { action } }) =>
      conditionsOf(rule).map((condition) => ({ condition, action })),
    );
    this.#parts = parts;
    this.#room = room;
    this.#callerConditions = conditions.filter(({ condition }) => byCaller(condition));
    this.readsCaller = this.#callerConditions.length > 0;
    this.#readsMethod = conditions.some(({ condition }) => byMethod(condition));
  }

  static of(policies: readonly PreparedPolicy[], authorization: Authorization): Stages {
    const isTold = ({ action, isDryRun }: PreparedPolicy): boolean =>
      action === "audit" || (isDryRun && action !== "allow");
    const inForce = (action: PolicyAction): PreparedPolicy[] =>
      policies.filter((policy) => policy.action === action && !isTold(policy));
    const parts: Parts = {
      told: policies.filter(isTold).map(({ rules }) => rules),
      denies: inForce("deny").flatMap(({ rules }) => rules),
      customs: inForce("custom").map(({ rules }) => rules),
      allows: AllowStage.of(inForce("allow"), authorization),
    };
    return new Stages(parts, { rules: maxKeptRules });
  }

  /** Deny, then custom, then, where nobody is to be asked, allow. */
  decide(facts: RequestFacts, note: PolicyNote): AuthorizationVerdict {
    const { told, denies, customs } = this.#parts;
    // Loops count: most are over nothing, and an iterator costs more than that.
    for (let i = 0; i < told.length; i++) {
      const outcome = firstMatch(told[i] ?? noRules, facts);
      if (outcome !== undefined) note(outcome.by, outcome.by.action === "deny" ? "would_deny" : "audited");
    }
    const denied = firstMatch(denies, facts);
    if (denied !== undefined) return denied.denied;
    let custom: CustomPolicy[] | undefined;
    for (let i = 0; i < customs.length; i++) {
      const outcome = firstMatch(customs[i] ?? noRules, facts);
      if (outcome !== undefined) (custom ??= []).push(outcome.custom);
    }
    return custom === undefined ? this.allow(facts, note) : { verdict: "ask", custom };
  }

  allow(facts: RequestFacts, note: PolicyNote): Allowed | Denied {
    return this.#parts.allows.decide(facts, note);
  }

  /** For all requests of the caller. */
  ofCaller(facts: RequestFacts): Stages {
    if (!this.readsCaller) return this;
    let key = "";
    for (const { condition, action } of this.#callerConditions) {
      key += isMatch(condition.holds(facts), action) ? "1" : "0";
    }
    return this.#ofCallers.get(key) ?? this.#keepRest(this.#ofCallers, key, restOf(byCaller, facts));
  }

  /** For all of the request's method; undefined: a raw connection's. */
  ofMethod(method: string | undefined, facts: RequestFacts): Stages {
    if (!this.#readsMethod || method === undefined) return this;
    const known = this.#ofMethods.get(method);
    if (known !== undefined) return known;
    if (!keptMethods.has(method)) return this;
    return this.#keepRest(this.#ofMethods, method, restOf(byMethod, facts));
  }

  /** Where there is no room, all that may match is tried. */
  #keepRest(kept: Map<string, Stages>, key: string, rest: RestOf): Stages {
    if (this.#room.rules <= 0) return this;
    const { told, denies, customs, allows } = this.#parts;
    const parts: Parts = {
      told: restOfEach(told, rest),
      denies: rest(denies),
      customs: restOfEach(customs, rest),
      allows: allows.rest(rest),
    };
    const stages = new Stages(parts, this.#room);
    this.#room.rules -= rulesOf(parts).length + rulesForStages + Math.ceil(key.length / bytesOfRule);
    kept.set(key, stages);
    return stages;
  }
}

type RestOf = (rules: Rules) => Rules;

function restOf(isKnown: IsKnown, facts: RequestFacts): RestOf {
  return (rules) => restsOf(rules, isKnown, facts);
}

function restOfEach(all: readonly Rules[], rest: RestOf): Rules[] {
  return all.map(rest).filter((rules) => rules.length > 0);
}

function rulesOf({ told, denies, customs, allows }: Parts): Rules {
  return [...told.flat(), ...denies, ...customs.flat(), ...allows.rules];
}
