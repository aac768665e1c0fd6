/**
 * The allow stage. At one level one matching allow policy suffices; every level that has allow policies must allow, unless
 * levels are united. Where there are none at all, the default decides.
 */
import { AuthorizationLevel } from "../../model/index.ts";
import type { Allowed, DecidedBy, Denied, PreparedPolicy, RuleOutcome } from "./prepared-policy.ts";
import type { RequestFacts } from "./request-facts.ts";
import { explainMismatch } from "./rule-match.ts";

/** A dry run's allow policy would have denied, as none of its level matches. */
export type OnWouldDeny = (by: DecidedBy) => void;

interface Level {
  /** Undefined: all of them as one. */
  readonly level: AuthorizationLevel | undefined;
  readonly policies: readonly PreparedPolicy[];
  readonly dryRuns: readonly PreparedPolicy[];
}

export class AllowStage {
  readonly #levels: readonly Level[];
  readonly #byDefault: Allowed | Denied;

  constructor(policies: readonly PreparedPolicy[], isDefaultDeny: boolean, unitesLevels: boolean) {
    const levels = new Map<AuthorizationLevel | undefined, PreparedPolicy[]>();
    for (const policy of policies.toSorted((a, b) => a.level - b.level)) {
      const level = unitesLevels ? undefined : policy.level;
      levels.set(level, [...(levels.get(level) ?? []), policy]);
    }
    this.#levels = Array.from(levels, ([level, all]) => ({
      level,
      policies: all.filter(({ isDryRun }) => !isDryRun),
      dryRuns: all.filter(({ isDryRun }) => isDryRun),
    }));
    this.#byDefault = isDefaultDeny
      ? { verdict: "deny", by: undefined, level: undefined, hint: defaultHint }
      : { verdict: "allow", by: undefined };
  }

  decide(facts: RequestFacts, onWouldDeny: OnWouldDeny): Allowed | Denied {
    let verdict: Allowed | Denied | undefined;
    for (const level of this.#levels) {
      const outcome = firstMatch(level.policies, facts);
      if (outcome !== undefined) verdict = outcome.allowed;
      else if (level.policies.length > 0) return denial(level, facts);
      else this.#tryDryRuns(level, facts, onWouldDeny);
    }
    return verdict ?? this.#byDefault;
  }

  /** Without them the level asks for nothing. With them all in force one of them would have to match. */
  #tryDryRuns({ dryRuns }: Level, facts: RequestFacts, onWouldDeny: OnWouldDeny): void {
    if (firstMatch(dryRuns, facts) !== undefined) return;
    for (const policy of dryRuns) onWouldDeny(policy.byNone);
  }
}

function firstMatch(policies: readonly PreparedPolicy[], facts: RequestFacts): RuleOutcome | undefined {
  for (const policy of policies) {
    const outcome = policy.match(facts);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
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
