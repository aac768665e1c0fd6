/** What the statuses of all kinds of policies have in common: an ancestor for each target, with its conditions (GEP-713). */
import { condition, type ComputedCondition, type StatusUpdate } from "./status.ts";

interface PolicyObject {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly generation: number };
}

interface Reference {
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string | undefined;
}

export const lastGoodStays = "the last version that could be compiled stays in force";

/** `undefined` among the targets: workloads of the policy's namespace. `problem`: why it does not compile, and what holds instead. */
export function policyUpdate<T extends Reference | undefined>(
  kind: StatusUpdate["kind"],
  { metadata: { namespace, name, generation } }: PolicyObject,
  of: {
    readonly targets: readonly T[];
    readonly problem: string | undefined;
    readonly groupOf: (kind: NonNullable<T>["kind"]) => string;
    readonly conditionsAt: (target: T) => ComputedCondition[];
  },
): StatusUpdate {
  const { targets, problem, groupOf, conditionsAt } = of;
  return {
    kind,
    namespace,
    name,
    observedGeneration: generation,
    status: {
      kind: "policy",
      ancestors: targets.map((target) => ({
        ancestorRef: ancestorRef(namespace, target, groupOf),
        conditions:
          problem === undefined ? conditionsAt(target) : [condition("Accepted", false, "Invalid", problem)],
      })),
    },
  };
}

/** Workloads have no place in a status of their own: their namespace stands for them. */
function ancestorRef<T extends Reference | undefined>(
  namespace: string,
  target: T,
  groupOf: (kind: NonNullable<T>["kind"]) => string,
): Readonly<Record<string, unknown>> {
  if (target === undefined) return { group: "", kind: "Namespace", name: namespace };
  const { kind, name, sectionName } = target;
  const isNamespaced = kind !== "MeshConfig" && kind !== "Namespace";
  return {
    group: groupOf(kind),
    kind,
    ...(isNamespaced ? { namespace } : {}),
    name,
    ...(sectionName === undefined ? {} : { sectionName }),
  };
}
