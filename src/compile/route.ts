/**
 * One HTTPRoute, compiled apart from its parents: rules, matches, and where it attaches. A route that is invalid
 * yields none; its last good one then stays in force, and the status says so.
 */
import { attach } from "./attachment.ts";
import type { Attachment, CompiledRoute } from "./compiled-route.ts";
import type { InputReader } from "./inputs.ts";
import { condition } from "./listener.ts";
import type { RankedMatch } from "./precedence.ts";
import type { ParentInput, RouteInput } from "./route-input.ts";
import { compileMatch } from "./route-match.ts";
import { compileRule, type RuleProblems } from "./route-rule.ts";
import type { ComputedCondition, ComputedParentStatus, StatusUpdate } from "./status.ts";

export interface RouteOutcome {
  /** Undefined: the route cannot compile. */
  readonly route: CompiledRoute | undefined;
  readonly status: StatusUpdate;
}

export function compileRoute(inputs: InputReader, route: RouteInput): RouteOutcome {
  const { namespace, name, creationTimestamp } = route.metadata;
  const problems: RuleProblems = { unsupported: [], unresolved: [], invalid: [] };
  const rules = route.spec.rules.map((rule, index) => compileRule(inputs, route, { index, rule }, problems));
  const matches = route.spec.rules.flatMap((rule, index) =>
    rule.matches.map((match, i): RankedMatch => {
      const field = `spec.rules[${index}].matches[${i}]`;
      return { rule: index, match: compileMatch(match, field, problems.invalid) };
    }),
  );
  const attachments: Attachment[] = [];
  const parents: ComputedParentStatus[] = [];
  for (const parent of route.spec.parentRefs ?? []) {
    const outcome = attach(inputs, route, parent);
    if (outcome === undefined) continue;
    if ("attachments" in outcome) attachments.push(...outcome.attachments);
    parents.push({
      parentRef: parentReference(parent),
      conditions: [
        ...("attachments" in outcome
          ? acceptance(
              problems,
              rules.some((rule) => rule.isSupported),
            )
          : [condition("Accepted", false, outcome.reason, outcome.message)]),
        resolution(problems),
      ],
    });
  }
  return {
    route:
      problems.invalid.length > 0
        ? undefined
        : {
            path: `${namespace}/${name}`,
            namespace,
            creationTimestamp,
            rules: rules.map((rule) => rule.content),
            matches,
            attachments,
          },
    status: {
      kind: "HTTPRoute",
      namespace,
      name,
      observedGeneration: route.metadata.generation,
      status: { kind: "route", parents },
    },
  };
}

/** For a route whose compilation ran into a defect of ours. */
export function failedStatus(route: RouteInput, message: string): StatusUpdate {
  const { namespace, name, generation } = route.metadata;
  return {
    kind: "HTTPRoute",
    namespace,
    name,
    observedGeneration: generation,
    status: {
      kind: "route",
      parents: (route.spec.parentRefs ?? []).map((parent) => ({
        parentRef: parentReference(parent),
        conditions: [condition("Accepted", false, "UnsupportedValue", `${message}; ${lastGoodStays}`)],
      })),
    },
  };
}

const lastGoodStays = "the last version that could be compiled stays in force";

function acceptance(problems: RuleProblems, hasSupportedRules: boolean): ComputedCondition[] {
  if (problems.invalid.length > 0) {
    return [
      condition("Accepted", false, "UnsupportedValue", `${problems.invalid.join("; ")}; ${lastGoodStays}`),
    ];
  }
  if (problems.unsupported.length === 0) return [condition("Accepted", true, "Accepted", "")];
  const message = `${problems.unsupported.join("; ")}; such a rule answers 500`;
  // Gateway API: a route of which some rules work is accepted, and says which do not.
  return hasSupportedRules
    ? [
        condition("Accepted", true, "Accepted", ""),
        condition("PartiallyInvalid", true, "UnsupportedValue", message),
      ]
    : [condition("Accepted", false, "UnsupportedValue", message)];
}

function resolution(problems: RuleProblems): ComputedCondition {
  const first = problems.unresolved[0];
  if (first === undefined) return condition("ResolvedRefs", true, "ResolvedRefs", "");
  return condition(
    "ResolvedRefs",
    false,
    first.reason,
    problems.unresolved.map((entry) => entry.message).join("; "),
  );
}

/** The reference as the route has it, without what was not written. */
function parentReference(parent: ParentInput): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parent).filter(([, value]) => value !== undefined));
}
