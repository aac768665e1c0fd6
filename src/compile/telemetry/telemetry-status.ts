/**
 * What becomes of a TelemetryPolicy at each of its targets (GEP-713): whether there is such a thing, which of its fields an
 * older policy at the same target has taken, and whether there are its collectors. And what of MeshConfig's has no effect.
 */
import { telemetryTargets } from "../../api/index.ts";
import type { InputReader } from "../inputs.ts";
import { missingTarget } from "../policy/missing-target.ts";
import { leavesOf } from "../policy/merge-settings.ts";
import { compareAge, pathOf } from "../object-path.ts";
import { levels, type Place } from "../security/aimed-policies.ts";
import { lastGoodStays, policyUpdate } from "../policy-ancestors.ts";
import { type ComputedCondition, condition, type StatusUpdate } from "../status.ts";
import { collectorProblems } from "./collectors.ts";
import {
  type Collectors,
  settingsOf,
  type TelemetryPolicyInput,
  type TelemetryTarget,
} from "./telemetry-input.ts";

const kind = "TelemetryPolicy";
/** More of them nobody reads in a message. */
const maxListed = 8;

export function telemetryStatus(inputs: InputReader, path: string): StatusUpdate | undefined {
  const found = inputs.telemetry.policy(path);
  if (found === undefined) return undefined;
  const { policy, problem } = found;
  const { targetRefs, selector } = policy.spec;
  return policyUpdate<TelemetryTarget | undefined>(kind, policy, {
    targets: targetRefs ?? (selector === undefined ? [] : [undefined]),
    problem: problem && `${problem}; ${lastGoodStays}`,
    groupOf: (target) => telemetryTargets[target].group,
    conditionsAt: (target) => conditionsAt(inputs, policy, target),
  });
}

/** Undefined where it is not stored. */
export function meshConfigStatus(inputs: InputReader): StatusUpdate | undefined {
  const { metadata } = inputs.meshConfig();
  const { generation } = metadata;
  if (generation === undefined) return undefined;
  const { problems, collectors, isFallback } = inputs.telemetry.mesh();
  const accepted =
    problems.length === 0
      ? condition("Accepted", true, "Accepted", "")
      : condition(
          "Accepted",
          false,
          "Invalid",
          isFallback ? `left out: ${listed(problems)}` : `${listed(problems)}; ${lastGoodStays}`,
        );
  return {
    kind: "MeshConfig",
    namespace: "",
    name: metadata.name,
    observedGeneration: generation,
    status: {
      kind: "conditions",
      conditions: [accepted, ...resolution(inputs, collectors, "spec.telemetry.collectors")],
    },
  };
}

function conditionsAt(
  inputs: InputReader,
  policy: TelemetryPolicyInput,
  target: TelemetryTarget | undefined,
): ComputedCondition[] {
  const missing = target && missingTarget(inputs, policy.metadata.namespace, target);
  if (missing !== undefined) return [condition("Accepted", false, "TargetNotFound", missing)];
  const { collectors: list, ...settings } = settingsOf(policy);
  const fields = [...leavesOf(settings, ""), ...(list === undefined ? [] : ["collectors"])];
  const lost = lostFields(inputs, policy, target, fields);
  const from = { group: "weft.dev", kind, namespace: policy.metadata.namespace };
  const resolved = resolution(inputs, list && { from, list }, "spec.collectors");
  if (lost.length > 0 && lost.length === fields.length) {
    return [condition("Accepted", false, "Conflicted", listed(lost)), ...resolved];
  }
  return [
    condition("Accepted", true, "Accepted", ""),
    ...(lost.length === 0 ? [] : [condition("Conflicted", true, "Conflicted", listed(lost))]),
    ...resolved,
  ];
}

function resolution(
  inputs: InputReader,
  collectors: Collectors | undefined,
  path: string,
): ComputedCondition[] {
  if (collectors === undefined) return [];
  const problems = collectorProblems(inputs, collectors, path);
  const [first] = problems;
  if (first === undefined) return [condition("ResolvedRefs", true, "ResolvedRefs", "")];
  const messages = problems.map(({ message }) => message);
  return [condition("ResolvedRefs", false, first.reason, listed(messages))];
}

/** What is hidden adds up, so no two policies are rivals about it. */
const addsUp: ReadonlySet<string> = new Set([
  "redaction.headers",
  "redaction.queryParameters",
  "redaction.pathTemplates",
]);

function lostFields(
  inputs: InputReader,
  policy: TelemetryPolicyInput,
  target: TelemetryTarget | undefined,
  fields: readonly string[],
): string[] {
  const older = inputs.telemetry
    .layersAt(placeOf(policy, target))
    .filter(({ policy: other }) => compareAge(other, policy) < 0 && isRival(other, policy, target));
  return fields.flatMap((field) => {
    const rival = older.find(({ policy: other }) => leavesOf(settingsOf(other), "").includes(field));
    if (rival === undefined || addsUp.has(field)) return [];
    return [`${field} is said by older ${kind} ${pathOf(rival.policy)}`];
  });
}

/** All that is aimed at the same, and what else is found there. */
function placeOf({ metadata, spec }: TelemetryPolicyInput, target: TelemetryTarget | undefined): Place {
  const { namespace } = metadata;
  if (target === undefined)
    return { spots: [], workload: { namespace, labels: spec.selector?.matchLabels ?? {} } };
  const { kind: targetKind, name, sectionName = "" } = target;
  return {
    spots: [{ level: levels.workload, kind: targetKind, namespace, name, sections: [sectionName] }],
  };
}

/** Aimed at the very same: a part is nearer than the whole, and other labels choose other workloads. */
function isRival(
  other: TelemetryPolicyInput,
  policy: TelemetryPolicyInput,
  target: TelemetryTarget | undefined,
): boolean {
  if (target === undefined)
    return Bun.deepEquals(other.spec.selector?.matchLabels, policy.spec.selector?.matchLabels);
  return (other.spec.targetRefs ?? []).some(
    ({ kind: otherKind, name, sectionName }) =>
      otherKind === target.kind && name === target.name && sectionName === target.sectionName,
  );
}

function listed(entries: readonly string[]): string {
  const shown = entries.slice(0, maxListed).join("; ");
  return entries.length > maxListed ? `${shown}; and ${entries.length - maxListed} more` : shown;
}
