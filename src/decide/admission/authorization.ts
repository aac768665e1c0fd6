/**
 * Who may do what. A deny policy that matches denies; then every custom policy that matches is asked; then the allow policies
 * must allow. Audit policies and dry runs decide nothing and are told of. Everything is prepared once, and what cannot be read
 * is taken to match where that keeps somebody out and not to match where that lets somebody in.
 */
import type { Authorization, AuthorizationLevel, Source } from "../../model/index.ts";
import { CallerView, type TrustDomains } from "./caller-view.ts";
import {
  type Allowed,
  type DecidedBy,
  type Denied,
  type PolicyNote,
  type PolicyVerdict,
  PreparedPolicy,
} from "./prepared-policy.ts";
import type { AdmissionRequest, CallerFacts } from "./request.ts";
import { type CallerViews, RequestFacts } from "./request-facts.ts";
import { explainMismatch, matchesRule } from "./rule-match.ts";
import { type AuthorizationVerdict, Stages } from "./stages.ts";
import type { PolicyAction } from "./truth.ts";

interface RuleExplanation {
  readonly rule: string;
  readonly isMatch: boolean;
  /** The first field that does not match, and why; empty where all do. */
  readonly mismatch: string;
}

interface PolicyExplanation {
  readonly source: Source;
  readonly action: PolicyAction;
  readonly level: AuthorizationLevel;
  readonly isDryRun: boolean;
  readonly isMatch: boolean;
  readonly rules: readonly RuleExplanation[];
}

export interface AuthorizationExplanation {
  readonly verdict: AuthorizationVerdict;
  readonly policies: readonly PolicyExplanation[];
}

interface KnownCaller {
  readonly view: CallerView;
  /** For its requests; undefined: there was none. */
  stages: Stages | undefined;
  /** Undefined: not decided yet, or decided anew for each request. */
  settled: SettledCaller | undefined;
}

interface SettledCaller {
  readonly verdict: AuthorizationVerdict;
  readonly notes: readonly (readonly [DecidedBy, PolicyVerdict])[];
}

export class AuthorizationTable implements CallerViews {
  /** A rule reads what differs between the requests of a connection; else a verdict holds for the connection. */
  readonly needsHttp: boolean;
  readonly needsClaims: boolean;
  /** There are policies that decide nothing, of which `note` hears. */
  readonly tells: boolean;
  readonly #mesh: TrustDomains;
  readonly #policies: readonly PreparedPolicy[];
  readonly #stages: Stages;
  readonly #callers = new WeakMap<CallerFacts, KnownCaller>();

  private constructor(authorization: Authorization, mesh: TrustDomains) {
    const policies = authorization.policies.map((policy) => new PreparedPolicy(policy));
    const rules = policies.flatMap((policy) => policy.rules);
    this.needsHttp = rules.some(({ rule }) => rule.needs.http);
    this.needsClaims = rules.some(({ rule }) => rule.needs.claims);
    this.#mesh = mesh;
    this.#policies = policies;
    this.tells = policies.some(({ action, isDryRun }) => action === "audit" || isDryRun);
    this.#stages = Stages.of(policies, authorization, this);
  }

  /** Never throws: what it cannot read fails closed. */
  static prepare(authorization: Authorization, mesh: TrustDomains): AuthorizationTable {
    return new AuthorizationTable(authorization, mesh);
  }

  /** Deny, then custom, then, where nobody is to be asked, allow. */
  decide(request: AdmissionRequest, note: PolicyNote): AuthorizationVerdict {
    if (this.needsHttp || this.needsClaims) {
      return this.#stagesFor(request).decide(request, note);
    }
    const settled = (this.#callerOf(request.caller).settled ??= this.#settle(request));
    for (const [by, verdict] of settled.notes) note(by, verdict);
    return settled.verdict;
  }

  viewOf(caller: CallerFacts): CallerView {
    return this.#callerOf(caller).view;
  }

  /** Nothing that differs between the requests of a connection has a say, so what is decided holds for all of them. */
  #settle(request: AdmissionRequest): SettledCaller {
    const notes: [DecidedBy, PolicyVerdict][] = [];
    const verdict = this.#stages.decide(request, (by, told) => void notes.push([by, told]));
    return { verdict, notes };
  }

  /** The allow stage, once all that were asked have said yes. Never "ask". */
  afterCustom(request: AdmissionRequest, note: PolicyNote): Allowed | Denied {
    return this.#stagesFor(request).allow(request, note);
  }

  /** How the verdict comes about. Tells nobody: `note` is for requests, this for whoever asks about one. */
  explain(request: AdmissionRequest): AuthorizationExplanation {
    const facts = new RequestFacts(request, this);
    return {
      verdict: this.decide(request, () => undefined),
      policies: this.#policies.map((policy) => explainPolicy(policy, facts)),
    };
  }

  /** With the rules that may match what the caller does by the request's method and path. */
  #stagesFor(request: AdmissionRequest): Stages {
    const { caller } = request;
    const stages = this.#stages.readsCaller
      ? (this.#callerOf(caller).stages ??= this.#stages.ofCaller(request))
      : this.#stages;
    return stages.ofMethod(request).ofPathHead(request);
  }

  #callerOf(facts: CallerFacts): KnownCaller {
    let caller = this.#callers.get(facts);
    if (caller === undefined) {
      caller = { view: new CallerView(facts, this.#mesh), stages: undefined, settled: undefined };
      this.#callers.set(facts, caller);
    }
    return caller;
  }
}

function explainPolicy(policy: PreparedPolicy, facts: RequestFacts): PolicyExplanation {
  const { source, action, level, isDryRun } = policy;
  const rules = policy.rules.map(({ rule }): RuleExplanation => {
    const matches = matchesRule(rule, facts, action);
    const mismatch = matches ? "" : explainMismatch(rule, facts, action).text;
    return { rule: rule.name, isMatch: matches, mismatch };
  });
  return { source, action, level, isDryRun, isMatch: rules.some((rule) => rule.isMatch), rules };
}
