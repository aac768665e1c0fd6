/**
 * The stages of a decision with the rules that may still match: of a whole table, of callers that are alike to it, of one method
 * of theirs, of paths that begin alike. What is left for a kind is worked out for its first request and shared by all of the
 * kind. How much is kept is bounded: beyond, more rules are tried than need be, with the same verdict.
 */
import type { Authorization } from "../../model/index.ts";
import { AllowStage } from "./allow-stage.ts";
import type { Condition } from "./condition.ts";
import {
  type Allowed,
  type CustomPolicy,
  type Denied,
  firstMatch,
  isSettled,
  type PolicyNote,
  type PreparedPolicy,
  type RuleOutcome,
} from "./prepared-policy.ts";
import { headOf } from "./path-head.ts";
import { isPlainPath } from "./path-readings.ts";
import type { AdmissionRequest } from "./request.ts";
import { type CallerViews, RequestFacts } from "./request-facts.ts";
import { byCaller, byMethod, byPathHead, conditionsOf, type IsKnown, restsOf } from "./rule-rest.ts";
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

/** Left for callers and methods, however many first segments patterns name. */
const roomBesidePaths = maxKeptRules / 2;
/** In the place of all first segments that no pattern names; it is none itself. */
const otherHeads = "/";

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

/** Of one table, shared by all of its stages. */
interface Shared {
  readonly callers: CallerViews;
  /** The first segments that patterns name: clients make up others. */
  readonly pathHeads: ReadonlySet<string>;
  /** Rules that there is room for. */
  room: number;
}

interface CallerCondition {
  readonly condition: Condition;
  readonly action: PolicyAction;
}

export class Stages {
  readonly #parts: Parts;
  readonly #shared: Shared;
  readonly #callerConditions: readonly CallerCondition[];
  readonly #readsMethod: boolean;
  readonly #readsPathHead: boolean;
  /** There are conditions for `ofCaller` to settle. */
  readonly readsCaller: boolean;
  /** The verdict on all requests of the kind, where nobody is told anything else; undefined: it takes the request. */
  readonly #verdict: Allowed | Denied | undefined;
  /** By what the caller's conditions come to: "1" for each that holds, "0" for each that does not. */
  readonly #ofCallers = new Map<string, Stages>();
  readonly #ofMethods = new Map<string, Stages>();
  readonly #ofPathHeads = new Map<string, Stages>();

  private constructor(parts: Parts, shared: Shared) {
    const conditions = rulesOf(parts).flatMap(({ rule, by: { action } }) =>
      conditionsOf(rule).map((condition) => ({ condition, action })),
    );
    this.#parts = parts;
    this.#shared = shared;
    this.#callerConditions = conditions.filter(({ condition }) => byCaller(condition));
    this.readsCaller = this.#callerConditions.length > 0;
    this.#readsMethod = conditions.some(({ condition }) => byMethod(condition));
    this.#readsPathHead = conditions.some(({ condition }) => condition.pathHeads !== undefined);
    this.#verdict = verdictOf(parts);
  }

  static of(policies: readonly PreparedPolicy[], authorization: Authorization, callers: CallerViews): Stages {
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
    const conditions = rulesOf(parts).flatMap(({ rule }) => conditionsOf(rule));
    const pathHeads = new Set(conditions.flatMap((condition) => [...(condition.pathHeads ?? [])]));
    return new Stages(parts, { callers, pathHeads, room: maxKeptRules });
  }

  /** Deny, then custom, then, where nobody is to be asked, allow. */
  decide(request: AdmissionRequest, note: PolicyNote): AuthorizationVerdict {
    if (this.#verdict !== undefined) return this.#verdict;
    const facts = this.#factsOf(request);
    const { told, denies, customs, allows } = this.#parts;
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
    return custom === undefined ? allows.decide(facts, note) : { verdict: "ask", custom };
  }

  allow(request: AdmissionRequest, note: PolicyNote): Allowed | Denied {
    return this.#parts.allows.decide(this.#factsOf(request), note);
  }

  /** For all requests of the caller. */
  ofCaller(request: AdmissionRequest): Stages {
    if (!this.readsCaller) return this;
    const facts = this.#factsOf(request);
    let key = "";
    for (const { condition, action } of this.#callerConditions) {
      key += isMatch(condition.holds(facts), action) ? "1" : "0";
    }
    return this.#ofCallers.get(key) ?? this.#keepRest(this.#ofCallers, key, restOf(byCaller, facts));
  }

  /** For all of the request's method; a raw connection has none. */
  ofMethod(request: AdmissionRequest): Stages {
    const method = request.http?.method;
    if (!this.#readsMethod || method === undefined) return this;
    const known = this.#ofMethods.get(method);
    if (known !== undefined) return known;
    if (!keptMethods.has(method)) return this;
    return this.#keepRest(this.#ofMethods, method, restOf(byMethod, this.#factsOf(request)));
  }

  /** For all paths that begin as the request's does, if that cannot be read in another way. */
  ofPathHead(request: AdmissionRequest): Stages {
    const path = request.http?.path;
    if (!this.#readsPathHead || path === undefined || !isPlainPath(path)) return this;
    const head = headOf(path);
    const key = this.#shared.pathHeads.has(head) ? head : otherHeads;
    const known = this.#ofPathHeads.get(key);
    if (known !== undefined) return known;
    if (this.#shared.room <= roomBesidePaths) return this;
    const facts = this.#factsOf(request);
    facts.readPaths();
    return this.#keepRest(this.#ofPathHeads, key, restOf(byPathHead(head), facts));
  }

  #factsOf(request: AdmissionRequest): RequestFacts {
    return new RequestFacts(request, this.#shared.callers);
  }

  /** Where there is no room, all that may match is tried. */
  #keepRest(kept: Map<string, Stages>, key: string, rest: RestOf): Stages {
    if (this.#shared.room <= 0) return this;
    const { told, denies, customs, allows } = this.#parts;
    const parts: Parts = {
      told: restOfEach(told, rest),
      denies: rest(denies),
      customs: restOfEach(customs, rest),
      allows: allows.rest(rest),
    };
    const stages = new Stages(parts, this.#shared);
    this.#shared.room -= rulesOf(parts).length + rulesForStages + Math.ceil(key.length / bytesOfRule);
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

/** That of `decide`, if it neither reads the request nor notes anything. */
function verdictOf({ told, denies, customs, allows }: Parts): Allowed | Denied | undefined {
  if (told.length > 0) return undefined;
  const [deny] = denies;
  if (deny !== undefined) return isSettled(deny) ? deny.denied : undefined;
  return customs.length > 0 ? undefined : allows.verdict;
}

function rulesOf({ told, denies, customs, allows }: Parts): Rules {
  return [...told.flat(), ...denies, ...customs.flat(), ...allows.rules];
}
