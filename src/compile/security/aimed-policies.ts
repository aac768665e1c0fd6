/** Policies that are aimed at targets by name or at workloads by labels: by which facts they are found, and which hold at a place. */
import { matchLabels, type SecurityTargetKind } from "../../api/index.ts";
import { AuthorizationLevel } from "../../model/index.ts";
import { compareAge } from "../object-path.ts";
import type { AnyPolicy, PolicyIndex } from "../policy/policy-index.ts";
import { compareText } from "../resource.ts";

/** How near something is; the numbers grow with nearness. */
export const levels = {
  mesh: AuthorizationLevel.MESH,
  namespace: AuthorizationLevel.NAMESPACE,
  workload: AuthorizationLevel.WORKLOAD,
  route: AuthorizationLevel.ROUTE,
} as const;
export type Level = (typeof levels)[keyof typeof levels];

/** Something that policies may be aimed at by name. */
export interface Spot {
  readonly level: Level;
  readonly kind: SecurityTargetKind;
  /** Empty: the mesh's. */
  readonly namespace: string;
  readonly name: string;
  /** Its parts that are meant here, by name. */
  readonly sections: readonly string[];
}

/** Where something is asked: all that policies for it may be aimed at. */
export interface Place {
  readonly spots: readonly Spot[];
  /** Chosen by labels too. */
  readonly workload?: {
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

export interface Found<E> {
  readonly level: Level;
  /** It is aimed at a part alone, which is nearer than the whole. */
  readonly hasSection: boolean;
  readonly value: E;
}

export interface AimedPolicy extends AnyPolicy {
  readonly kind: string;
  readonly spec: {
    readonly targetRefs?: readonly {
      readonly kind: SecurityTargetKind;
      readonly name: string;
      readonly sectionName?: string;
    }[];
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  };
}

interface OfPolicy {
  readonly policy: AimedPolicy;
}

const aimedFacts = {
  at: (kind: string, target: Pick<Spot, "kind" | "namespace" | "name">) =>
    `${kind}@${target.kind}:${target.namespace}/${target.name}`,
  labelled: (kind: string, namespace: string, key: string, value: string) =>
    `${kind}@label:${namespace}:${key}=${value}`,
} as const;

export function factsOf(policy: AimedPolicy): string[] {
  const { kind, metadata, spec } = policy;
  const [label] = Object.entries(spec.selector?.matchLabels ?? {}).toSorted(([a], [b]) => compareText(a, b));
  return [
    ...(spec.targetRefs ?? []).map((target) =>
      aimedFacts.at(kind, {
        kind: target.kind,
        namespace: target.kind === "MeshConfig" ? "" : metadata.namespace,
        name: target.name,
      }),
    ),
    // One label is enough to be found by; whether all of them fit is looked at then.
    ...(label === undefined ? [] : [aimedFacts.labelled(kind, metadata.namespace, ...label)]),
  ];
}

/**
 * Those of one kind that hold there: the farthest first, and at one level the older first. `read` is told of every fact that
 * was looked at.
 */
export function findAimed<P extends AimedPolicy, E extends OfPolicy>(
  index: PolicyIndex<P, E>,
  kind: P["kind"],
  { spots, workload }: Place,
  read: Set<string>,
): Found<E>[] {
  const reading = (fact: string): string => {
    read.add(fact);
    return fact;
  };
  const found: Found<E>[] = [];
  const add = (level: Level, hasSection: boolean, values: readonly E[]): void => {
    for (const value of values) {
      const isThere = found.some((each) => each.value === value && each.level === level);
      if (!isThere) found.push({ level, hasSection, value });
    }
  };
  for (const spot of spots) {
    const listed = index.list(reading(aimedFacts.at(kind, spot)));
    add(
      spot.level,
      false,
      listed.filter(({ policy }) => isAimedAt(policy, spot, false)),
    );
    add(
      spot.level,
      true,
      listed.filter(({ policy }) => isAimedAt(policy, spot, true)),
    );
  }
  for (const [key, value] of Object.entries(workload?.labels ?? {})) {
    const fact = aimedFacts.labelled(kind, workload?.namespace ?? "", key, value);
    const listed = index.list(reading(fact));
    const fitting = listed.filter(({ policy }) =>
      matchLabels(policy.spec.selector?.matchLabels, workload?.labels),
    );
    add(levels.workload, false, fitting);
  }
  return found.toSorted((a, b) => a.level - b.level || compareAge(a.value.policy, b.value.policy));
}

function isAimedAt({ spec }: AimedPolicy, { kind, name, sections }: Spot, bySection: boolean): boolean {
  return (spec.targetRefs ?? []).some(
    (target) =>
      target.kind === kind &&
      target.name === name &&
      (target.sectionName === undefined ? !bySection : bySection && sections.includes(target.sectionName)),
  );
}
