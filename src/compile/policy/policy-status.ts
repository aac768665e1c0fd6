/**
 * What becomes of a policy at each of its targets (GEP-713): whether there is such a thing, which of its fields an older
 * policy at the same target has taken, and which of them a nearer one says otherwise.
 */
import { policyTargets } from "../../api/index.ts";
import { isHttpRoute } from "../compiled-route.ts";
import type { InputReader } from "../inputs.ts";
import type { RuleInput } from "../route-input.ts";
import { compareAge, pathOf } from "../object-path.ts";
import { compareText } from "../resource.ts";
import { lastGoodStays, policyUpdate } from "../policy-ancestors.ts";
import { type ComputedCondition, condition, type StatusUpdate } from "../status.ts";
import { leaves, leavesOf } from "./merge-settings.ts";
import { missingTarget } from "./missing-target.ts";
import { policyFacts, type Target, targetOf } from "./policy-index.ts";
import type { PolicyInput, PolicyKind, TargetInput } from "./policy-input.ts";
import { routeSettings } from "./route-settings.ts";

/** More of them nobody reads in a message. */
const maxListed = 8;

export function policyStatus(inputs: InputReader, kind: PolicyKind, path: string): StatusUpdate | undefined {
  const found = inputs.policy(kind, path);
  if (found === undefined) return undefined;
  const { policy, problem } = found;
  return policyUpdate(kind, policy, {
    targets: policy.spec.targetRefs,
    problem: problem && `${problem}; ${lastGoodStays}`,
    groupOf: (target) => policyTargets[target].group,
    conditionsAt: (reference) => conditionsAt(inputs, policy, reference),
  });
}

function conditionsAt(inputs: InputReader, policy: PolicyInput, reference: TargetInput): ComputedCondition[] {
  const missing = missingTarget(inputs, policy.metadata.namespace, reference);
  if (missing !== undefined) return [condition("Accepted", false, "TargetNotFound", missing)];
  const fields = leaves(policy);
  const lost = lostFields(inputs, policy, reference, fields);
  const conflict = lost.map(({ field, by }) => `${field} is said by older ${by}`);
  if (lost.length > 0 && lost.length === fields.length) {
    return [condition("Accepted", false, "Conflicted", listed(conflict))];
  }
  const held = fields.filter((field) => !lost.some((each) => each.field === field));
  const nearer = nearerFields(inputs, policy, reference, held);
  const overridden = nearer.map(({ field, by }) => `${field} by ${by}`);
  const message = overridden.length === 0 ? "" : `overridden where nearer: ${listed(overridden)}`;
  return [
    condition("Accepted", true, "Accepted", message),
    ...(lost.length === 0 ? [] : [condition("Conflicted", true, "Conflicted", listed(conflict))]),
  ];
}

function listed(entries: readonly string[]): string {
  const shown = entries.slice(0, maxListed).join("; ");
  return entries.length > maxListed ? `${shown}; and ${entries.length - maxListed} more` : shown;
}

interface Rival {
  readonly field: string;
  /** For people. */
  readonly by: string;
}

function lostFields(
  inputs: InputReader,
  policy: PolicyInput,
  reference: TargetInput,
  fields: readonly string[],
): Rival[] {
  const target = targetOf(policy, reference);
  const older = inputs
    .policiesAt(policy.kind, policyFacts.at(target))
    .filter((other) => compareAge(other, policy) < 0)
    .filter((other) =>
      other.spec.targetRefs.some(
        (its) => isSame(targetOf(other, its), target) && its.sectionName === reference.sectionName,
      ),
    );
  return rivals(
    fields,
    older.map((other) => ({ fields: leaves(other), by: nameOf(other) })),
  );
}

function nearerFields(
  inputs: InputReader,
  policy: PolicyInput,
  reference: TargetInput,
  fields: readonly string[],
): Rival[] {
  const target = targetOf(policy, reference);
  const rest = candidates(inputs, policy.kind, target).filter((other) => pathOf(other) !== pathOf(policy));
  const others = rest.flatMap((other) =>
    other.spec.targetRefs
      .filter((its) => isNearer(targetOf(other, its), its.sectionName, target, reference.sectionName))
      .filter((its) => missingTarget(inputs, other.metadata.namespace, its) === undefined)
      .map((its) => ({ fields: leaves(other), by: `${nameOf(other)} at ${placeOf(its)}` })),
  );
  return rivals(fields, [
    ...others,
    ...(policy.kind === "TrafficPolicy" ? ownFields(inputs, target, reference) : []),
  ]);
}

/** Policies that may be nearer than one at `target`. */
function candidates(inputs: InputReader, kind: PolicyKind, target: Target): PolicyInput[] {
  switch (target.kind) {
    case "MeshConfig":
      return inputs.policiesAt(kind, policyFacts.in(""));
    case "Namespace":
      return inputs.policiesAt(kind, policyFacts.in(target.name));
    case "Service":
    case "ExternalService": {
      // A route says how its requests are carried, wherever they go.
      const routes = inputs.routesOf({ kind: "Service", parent: `${target.namespace}/${target.name}` });
      const atRoutes = routes
        .toSorted((a, b) => compareText(a.path, b.path))
        .flatMap((route) => {
          if (!isHttpRoute(route)) return [];
          const name = route.path.slice(route.namespace.length + 1);
          const at: Target = { kind: route.kind, namespace: route.namespace, name };
          return inputs.policiesAt(kind, policyFacts.at(at));
        });
      return [...new Set([...inputs.policiesAt(kind, policyFacts.at(target)), ...atRoutes])];
    }
    case "HTTPRoute":
    case "GRPCRoute":
      return inputs.policiesAt(kind, policyFacts.at(target));
  }
}

const distance: Readonly<Record<Target["kind"], number>> = {
  MeshConfig: 4,
  Namespace: 3,
  Service: 2,
  ExternalService: 2,
  HTTPRoute: 1,
  GRPCRoute: 1,
};

/** Whether `other`, which is a candidate, is nearer than `target`. */
function isNearer(
  other: Target,
  otherSection: string | undefined,
  target: Target,
  section: string | undefined,
): boolean {
  if (distance[other.kind] !== distance[target.kind]) return distance[other.kind] < distance[target.kind];
  return isSame(other, target) && section === undefined && otherSection !== undefined;
}

/** What the rules of an HTTPRoute say themselves. */
function ownFields(
  inputs: InputReader,
  target: Target,
  { sectionName }: TargetInput,
): { fields: string[]; by: string }[] {
  if (target.kind !== "HTTPRoute") return [];
  const route = inputs.route(target.kind, `${target.namespace}/${target.name}`);
  const rules: readonly RuleInput[] = route?.kind === "HTTPRoute" ? route.spec.rules : [];
  return rules.flatMap((rule, index) =>
    sectionName !== undefined && rule.name !== sectionName
      ? []
      : [
          {
            fields: leavesOf(routeSettings(rule).own, ""),
            by: `the route's own ${rule.name ?? `rules[${index}]`}`,
          },
        ],
  );
}

/** Each field once: the first that says something about it is enough to look at. */
function rivals(
  fields: readonly string[],
  others: readonly { readonly fields: readonly string[]; readonly by: string }[],
): Rival[] {
  return fields.flatMap((field) => {
    const rival = others.find((other) => other.fields.includes(field));
    return rival === undefined ? [] : [{ field, by: rival.by }];
  });
}

function isSame(a: Target, b: Target): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

function nameOf(policy: PolicyInput): string {
  return `${policy.kind} ${pathOf(policy)}`;
}

function placeOf({ kind, name, sectionName }: TargetInput): string {
  return [kind, name, sectionName].filter((part) => part !== undefined).join("/");
}
