/**
 * The allow stage. At one level one matching allow policy suffices; every level that has allow policies must allow, unless
 * levels are united. Where there are none at all, the default decides.
 */
import { type Authorization, AuthorizationLevel } from "../../model/index.ts";
import {
  type Allowed,
  type Denied,
  firstMatch,
  isSettled,
  type PolicyNote,
  type PreparedPolicy,
  type RuleOutcome,
} from "./prepared-policy.ts";
import type { RequestFacts } from "./request-facts.ts";
import { explainMismatch } from "./rule-match.ts";

interface Level {
  /** Undefined: all of them as one. */
  readonly level: AuthorizationLevel | undefined;
  readonly policies: readonly PreparedPolicy[];
  readonly dryRuns: readonly PreparedPolicy[];
  /** Of `policies` and `dryRuns`, those that may match. */
  readonly rules: readonly RuleOutcome[];
  readonly dryRunRules: readonly RuleOutcome[];
}

type RestOf = (rules: readonly RuleOutcome[]) => readonly RuleOutcome[];

export class AllowStage {
  readonly #levels: readonly Level[];
  readonly #byDefault: Allowed | Denied;

  private constructor(levels: readonly Level[], byDefault: Allowed | Denied) {
    this.#levels = levels;
    this.#byDefault = byDefault;
  }

  static of(policies: readonly PreparedPolicy[], { defaultDeny, unitesLevels }: Authorization): AllowStage {
    const levels = new Map<AuthorizationLevel | undefined, PreparedPolicy[]>();
    for (const policy of policies.toSorted((a, b) => a.level - b.level)) {
      const level = unitesLevels ? undefined : policy.level;
      levels.set(level, [...(levels.get(level) ?? []), policy]);
    }
    return new AllowStage(
      Array.from(levels, ([level, all]) => levelOf(level, all)),
      defaultDeny
        ? { verdict: "deny", by: undefined, level: undefined, hint: defaultHint }
        : { verdict: "allow", by: undefined },
    );
  }

  /** The same with less to try. */
  rest(restOf: RestOf): AllowStage {
    const levels = this.#levels.map(
      (level): Level => ({ ...level, rules: restOf(level.rules), dryRunRules: restOf(level.dryRunRules) }),
    );
    return new AllowStage(levels, this.#byDefault);
  }

  get rules(): readonly RuleOutcome[] {
    return this.#levels.flatMap(({ rules, dryRunRules }) => [...rules, ...dryRunRules]);
  }

  /** That of `decide`, if it neither reads the request nor notes anything. */
  get verdict(): Allowed | Denied | undefined {
    let verdict = this.#byDefault;
    for (const { policies, dryRuns, rules } of this.#levels) {
      const [first] = rules;
      if (first !== undefined && isSettled(first)) verdict = first.allowed;
      else if (policies.length > 0 || dryRuns.length > 0) return undefined;
    }
    return verdict;
  }

  /** `note` hears of dry runs that would have denied, as none of their level matches. */
  decide(facts: RequestFacts, note: PolicyNote): Allowed | Denied {
    let verdict: Allowed | Denied | undefined;
    const levels = this.#levels;
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i];
      if (level === undefined) continue;
      const outcome = firstMatch(level.rules, facts);
      if (outcome !== undefined) verdict = outcome.allowed;
      else if (level.policies.length > 0) return denial(level, facts);
      else tryDryRuns(level, facts, note);
    }
    return verdict ?? this.#byDefault;
  }
}

function levelOf(level: AuthorizationLevel | undefined, all: readonly PreparedPolicy[]): Level {
  const policies = all.filter(({ isDryRun }) => !isDryRun);
  const dryRuns = all.filter(({ isDryRun }) => isDryRun);
  const rulesOf = (of: readonly PreparedPolicy[]): readonly RuleOutcome[] => of.flatMap(({ rules }) => rules);
  return { level, policies, dryRuns, rules: rulesOf(policies), dryRunRules: rulesOf(dryRuns) };
}

/** Without them the level asks for nothing. With them all in force one of them would have to match. */
function tryDryRuns({ dryRuns, dryRunRules }: Level, facts: RequestFacts, note: PolicyNote): void {
  if (firstMatch(dryRunRules, facts) !== undefined) return;
  for (const policy of dryRuns) note(policy.byNone, "would_deny");
}

const defaultHint =
  "no allow policy is for this place and the mesh denies by default; write an AuthorizationPolicy with action Allow for it";

function denial({ level, policies }: Level, facts: RequestFacts): Allowed | Denied {
  const place = level === undefined ? "" : ` of the ${levelNames[level]} level`;
  const named = policies.slice(0, 5).join(", ");
  const more = policies.length > 5 ? ` and ${policies.length - 5} more` : "";
  const hint = `no allow policy${place} matches (${named}${more}); ${nearestOf(policies, facts)}`;
  return { verdict: "deny", by: undefined, level, hint };
}

const levelNames: Readonly<Record<AuthorizationLevel, string>> = {
  [AuthorizationLevel.UNSPECIFIED]: "unnamed",
  [AuthorizationLevel.MESH]: "mesh",
  [AuthorizationLevel.NAMESPACE]: "namespace",
  [AuthorizationLevel.WORKLOAD]: "workload",
  [AuthorizationLevel.ROUTE]: "route",
};

/** The rule of which the most holds, and what of it does not. */
function nearestOf(policies: readonly PreparedPolicy[], facts: RequestFacts): string {
  let best = {
    held: -1,
    text: "they have no rules, so that nothing may pass; add a rule that allows the request",
  };
  for (const policy of policies) {
    for (const { rule } of policy.rules) {
      const { held, text } = explainMismatch(rule, facts, "allow");
      if (held <= best.held) continue;
      best = { held, text: `nearest is ${policy.toString()} ${rule.name}: ${text}; extend it or add a rule` };
    }
  }
  return best.text;
}
