/**
 * One route, compiled apart from its parents: rules, matches, and where it attaches. A route that is invalid yields
 * none; its last good one then stays in force, and the status says so.
 */
import { attach } from "./attachment.ts";
import { resolveBackend, type UnresolvedBackend } from "./backend.ts";
import type { Attachment, CompiledRoute, ConnectionRuleContent } from "./compiled-route.ts";
import type { InputReader } from "./inputs.ts";
import type { RankedMatch } from "./precedence.ts";
import type { ConnectionRouteInput, HttpRouteInput, ParentInput, RouteInput } from "./route-input.ts";
import { compileMatch } from "./route-match.ts";
import { compileRule, type RuleProblems } from "./route-rule.ts";
import { type ComputedCondition, type ComputedParentStatus, condition, type StatusUpdate } from "./status.ts";

export interface RouteOutcome {
  /** Undefined: the route cannot compile. */
  readonly route: CompiledRoute | undefined;
  readonly status: StatusUpdate;
}

export function compileRoute(inputs: InputReader, route: RouteInput): RouteOutcome {
  return route.kind === "HTTPRoute" ? compileHttpRoute(inputs, route) : compileConnectionRoute(inputs, route);
}

function compileHttpRoute(inputs: InputReader, route: HttpRouteInput): RouteOutcome {
  const problems: RuleProblems = { unsupported: [], unresolved: [], invalid: [] };
  const rules = route.spec.rules.map((rule, index) => compileRule(inputs, route, { index, rule }, problems));
  const matches = route.spec.rules.flatMap((rule, index) =>
    rule.matches.map((match, i): RankedMatch => {
      const field = `spec.rules[${index}].matches[${i}]`;
      return { rule: index, match: compileMatch(match, field, problems.invalid) };
    }),
  );
  const hasSupportedRules = rules.some((rule) => rule.isSupported);
  const { attachments, parents } = attachAll(inputs, route, {
    acceptance: acceptance(problems, hasSupportedRules),
    resolution: resolution(problems.unresolved),
  });
  const compiled: CompiledRoute = {
    kind: "HTTPRoute",
    ...orderOf(route),
    rules: rules.map((rule) => rule.content),
    matches,
    attachments,
    isAccepted: hasSupportedRules || problems.unsupported.length === 0,
  };
  return {
    route: problems.invalid.length > 0 ? undefined : compiled,
    status: statusOf(route, parents),
  };
}

function compileConnectionRoute(inputs: InputReader, route: ConnectionRouteInput): RouteOutcome {
  const { kind } = route;
  const { namespace, name } = route.metadata;
  const unresolved: UnresolvedBackend[] = [];
  const rules = route.spec.rules.map(
    (rule, index): ConnectionRuleContent => ({
      source: { kind, namespace, name, section: rule.name ?? `rules[${index}]` },
      backends: rule.backendRefs.map((backend, i) => {
        const field = `spec.rules[${index}].backendRefs[${i}]`;
        return resolveBackend(inputs, route, { backend, field }, unresolved);
      }),
    }),
  );
  const { attachments, parents } = attachAll(inputs, route, {
    acceptance: [condition("Accepted", true, "Accepted", "")],
    resolution: resolution(unresolved),
  });
  return {
    route: { kind, ...orderOf(route), rules, attachments, isAccepted: true },
    status: statusOf(route, parents),
  };
}

function orderOf({ metadata: { namespace, name, creationTimestamp } }: RouteInput) {
  return { path: `${namespace}/${name}`, namespace, creationTimestamp };
}

interface RouteConditions {
  /** Where the parent takes it. */
  readonly acceptance: readonly ComputedCondition[];
  readonly resolution: ComputedCondition;
}

function attachAll(
  inputs: InputReader,
  route: RouteInput,
  { acceptance: accepted, resolution: resolved }: RouteConditions,
) {
  const attachments: Attachment[] = [];
  const parents: ComputedParentStatus[] = [];
  for (const parent of route.spec.parentRefs ?? []) {
    const outcome = attach(inputs, route, parent);
    if (outcome === undefined) continue;
    const isAttached = "attachments" in outcome;
    if (isAttached) attachments.push(...outcome.attachments);
    parents.push({
      parentRef: parentReference(parent),
      conditions: [
        ...(isAttached ? accepted : [condition("Accepted", false, outcome.reason, outcome.message)]),
        resolved,
      ],
    });
  }
  return { attachments, parents };
}

function statusOf(route: RouteInput, parents: readonly ComputedParentStatus[]): StatusUpdate {
  const { namespace, name, generation } = route.metadata;
  return {
    kind: route.kind,
    namespace,
    name,
    observedGeneration: generation,
    status: { kind: "route", parents },
  };
}

/** For a route whose compilation ran into a defect of ours. */
export function failedStatus(route: RouteInput, message: string): StatusUpdate {
  const parents = (route.spec.parentRefs ?? []).map((parent) => ({
    parentRef: parentReference(parent),
    conditions: [condition("Accepted", false, "UnsupportedValue", `${message}; ${lastGoodStays}`)],
  }));
  return statusOf(route, parents);
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

function resolution(unresolved: readonly UnresolvedBackend[]): ComputedCondition {
  const [first] = unresolved;
  if (first === undefined) return condition("ResolvedRefs", true, "ResolvedRefs", "");
  const message = unresolved.map((entry) => entry.message).join("; ");
  return condition("ResolvedRefs", false, first.reason, message);
}

/** The reference as the route has it, without what was not written. */
function parentReference(parent: ParentInput): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parent).filter(([, value]) => value !== undefined));
}
