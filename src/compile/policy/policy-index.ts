/** Policies of one kind by what they are aimed at. */
import { compareAge, pathOf } from "../object-path.ts";
import type { PolicyInput, TargetInput } from "./policy-input.ts";

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

/** What every kind of policy has. */
export interface AnyPolicy {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly generation: number;
    readonly creationTimestamp: string;
  };
}

export interface JudgedPolicy<P> {
  readonly policy: P;
  /** Set: it does not hold, and this is why. */
  readonly problem: string | undefined;
  /** No version of it could be compiled: what holds is what can be read of it. */
  readonly isFallback: boolean;
}

/** What holds of a policy, or why it cannot be compiled beyond what its schema checks. */
export type Prepared<E> =
  | { readonly value: E }
  /** `fallback`: what holds where no version of it could ever be compiled; absent: nothing. */
  | { readonly problem: string; readonly fallback?: E };

export interface PolicyIndexOptions<P, E> {
  prepare(policy: P): Prepared<E>;
  /** By which it is found; they are dirty when it changes. */
  factsOf(policy: P): Iterable<string>;
}

interface Effective<P, E> {
  readonly policy: P;
  readonly value: E;
  readonly isFallback?: boolean;
}

interface Entry<P, E> {
  readonly newest: P;
  /** What holds: of the newest that could be compiled. */
  readonly effective: Effective<P, E> | undefined;
  readonly problem: string | undefined;
}

export class PolicyIndex<P extends AnyPolicy, E = P> {
  readonly #options: PolicyIndexOptions<P, E>;
  readonly #entries = new Map<string, Entry<P, E>>();
  readonly #byFact = new Map<string, Set<string>>();

  constructor(options: PolicyIndexOptions<P, E>) {
    this.#options = options;
  }

  /** False: nothing of it is new. */
  set(policy: P, dirty: Set<string>): boolean {
    const path = pathOf(policy);
    const before = this.#entries.get(path);
    const { uid, generation } = policy.metadata;
    if (before?.newest.metadata.uid === uid && before.newest.metadata.generation === generation) return false;
    const prepared = this.#options.prepare(policy);
    const effective =
      "value" in prepared ? { policy, value: prepared.value } : lastGood(before, policy, prepared);
    this.#unlink(path, before?.effective?.policy, dirty);
    const problem = "problem" in prepared ? prepared.problem : undefined;
    this.#entries.set(path, { newest: policy, effective, problem });
    for (const fact of this.#factsOf(effective?.policy)) {
      const paths = this.#byFact.get(fact);
      if (paths === undefined) this.#byFact.set(fact, new Set([path]));
      else paths.add(path);
      dirty.add(fact);
    }
    return true;
  }

  delete(path: string, dirty: Set<string>): void {
    this.#unlink(path, this.#entries.get(path)?.effective?.policy, dirty);
    this.#entries.delete(path);
  }

  get(path: string): JudgedPolicy<P> | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    const { newest, problem, effective } = entry;
    return { policy: newest, problem, isFallback: effective?.isFallback === true };
  }

  /** By one of its facts; those that hold, the older first. */
  list(fact: string): E[] {
    const found = [...(this.#byFact.get(fact) ?? [])].flatMap(
      (path) => this.#entries.get(path)?.effective ?? [],
    );
    return found.toSorted((a, b) => compareAge(a.policy, b.policy)).map(({ value }) => value);
  }

  /** All that hold, in no particular order. */
  values(): E[] {
    return [...this.#entries.values()].flatMap(({ effective }) =>
      effective === undefined ? [] : [effective.value],
    );
  }

  #factsOf(policy: P | undefined): ReadonlySet<string> {
    return new Set(policy === undefined ? [] : this.#options.factsOf(policy));
  }

  #unlink(path: string, policy: P | undefined, dirty: Set<string>): void {
    for (const fact of this.#factsOf(policy)) {
      const paths = this.#byFact.get(fact);
      paths?.delete(path);
      if (paths?.size === 0) this.#byFact.delete(fact);
      dirty.add(fact);
    }
  }
}

function lastGood<P, E>(
  before: Entry<P, E> | undefined,
  policy: P,
  { fallback }: { readonly fallback?: E },
): Effective<P, E> | undefined {
  const good = before?.effective;
  if (fallback === undefined || (good !== undefined && good.isFallback !== true)) return good;
  return { policy, value: fallback, isFallback: true };
}

/** Policies that hold as they are written, aimed by `targetRefs`. */
export function asWritten<P extends PolicyInput>(
  problemOf: (policy: P) => string | undefined,
): PolicyIndexOptions<P, P> {
  return {
    prepare(policy) {
      const problem = problemOf(policy);
      return problem === undefined ? { value: policy } : { problem };
    },
    factsOf(policy) {
      const targets = policy.spec.targetRefs.map((target) => policyFacts.at(targetOf(policy, target)));
      return [...targets, policyFacts.in(policy.metadata.namespace), policyFacts.in("")];
    },
  };
}
