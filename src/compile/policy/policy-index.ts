/** Policies of one kind by what they are aimed at. */
import { compareText } from "../resource.ts";
import { pathOf, type PolicyInput, type TargetInput } from "./policy-input.ts";

/** What a policy may be aimed at, with its namespace. */
export interface Target {
  readonly kind: TargetInput["kind"];
  /** Empty: the mesh, which lies in none. */
  readonly namespace: string;
  readonly name: string;
}

/** Facts: the policies of both kinds at a target, and those of a namespace ("": of all). */
export const policyFacts = {
  at: ({ kind, namespace, name }: Target) => `policies-at:${kind}:${namespace}/${name}`,
  in: (namespace: string) => `policies-in:${namespace}`,
} as const;

export function targetOf(policy: PolicyInput, { kind, name }: TargetInput): Target {
  return { kind, namespace: kind === "MeshConfig" ? "" : policy.metadata.namespace, name };
}

export interface JudgedPolicy {
  readonly policy: PolicyInput;
  /** Set: it does not hold, and this is why. */
  readonly problem: string | undefined;
}

interface Entry<P> {
  readonly newest: P;
  /** What holds: the newest that could be compiled. */
  readonly effective: P | undefined;
  readonly problem: string | undefined;
}

export class PolicyIndex<P extends PolicyInput> {
  readonly #problemOf: (policy: P) => string | undefined;
  readonly #entries = new Map<string, Entry<P>>();
  readonly #byFact = new Map<string, Set<string>>();

  /** `problemOf`: why a policy cannot be compiled, beyond what its schema checks. */
  constructor(problemOf: (policy: P) => string | undefined) {
    this.#problemOf = problemOf;
  }

  /** False: nothing of it is new. */
  set(policy: P, dirty: Set<string>): boolean {
    const path = pathOf(policy);
    const before = this.#entries.get(path);
    const { uid, generation } = policy.metadata;
    if (before?.newest.metadata.uid === uid && before.newest.metadata.generation === generation) return false;
    const problem = this.#problemOf(policy);
    const effective = problem === undefined ? policy : before?.effective;
    this.#unlink(path, before?.effective, dirty);
    this.#entries.set(path, { newest: policy, effective, problem });
    for (const fact of factsOf(effective)) {
      const paths = this.#byFact.get(fact);
      if (paths === undefined) this.#byFact.set(fact, new Set([path]));
      else paths.add(path);
      dirty.add(fact);
    }
    return true;
  }

  delete(path: string, dirty: Set<string>): void {
    this.#unlink(path, this.#entries.get(path)?.effective, dirty);
    this.#entries.delete(path);
  }

  get(path: string): JudgedPolicy | undefined {
    const entry = this.#entries.get(path);
    return entry && { policy: entry.newest, problem: entry.problem };
  }

  /** Of one of `policyFacts`; those that hold, the older first. */
  list(fact: string): P[] {
    const policies = [...(this.#byFact.get(fact) ?? [])].flatMap(
      (path) => this.#entries.get(path)?.effective ?? [],
    );
    return policies.toSorted(comparePolicies);
  }

  #unlink(path: string, policy: P | undefined, dirty: Set<string>): void {
    for (const fact of factsOf(policy)) {
      const paths = this.#byFact.get(fact);
      paths?.delete(path);
      if (paths?.size === 0) this.#byFact.delete(fact);
      dirty.add(fact);
    }
  }
}

function factsOf(policy: PolicyInput | undefined): Set<string> {
  if (policy === undefined) return new Set();
  const targets = policy.spec.targetRefs.map((target) => policyFacts.at(targetOf(policy, target)));
  return new Set([...targets, policyFacts.in(policy.metadata.namespace), policyFacts.in("")]);
}

/** GEP-713: of policies at one target the older wins, then the first by name. */
export function comparePolicies(a: PolicyInput, b: PolicyInput): number {
  return (
    compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compareText(pathOf(a), pathOf(b))
  );
}
