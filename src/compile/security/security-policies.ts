/** Policies of security and rate by what they are aimed at, and a reader that finds those that apply at a place. */
import { matchLabels, type SecurityTargetKind } from "../../api/index.ts";
import { AuthorizationLevel } from "../../model/index.ts";
import { comparePolicies, type AnyPolicy, PolicyIndex } from "../policy/policy-index.ts";
import { compareText } from "../resource.ts";
import { type PreparedAuthentication, prepareAuthentication } from "./authentication.ts";
import { type PreparedAuthorization, prepareAuthorization } from "./authorization.ts";
import { type PreparedRateLimit, prepareRateLimit } from "./rate-limits.ts";
import type {
  AuthenticationInput,
  AuthorizationInput,
  RateLimitInput,
  SecurityInput,
  SecurityKind,
} from "./security-input.ts";

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

interface OfPolicy {
  readonly policy: SecurityInput;
}

/** Dirty when the first policy that switches mTLS off comes or the last one goes: endpoints depend on nothing else of them. */
const disabledFact = "mtls-disabled";

const securityFacts = {
  at: (kind: SecurityKind, target: Pick<Spot, "kind" | "namespace" | "name">) =>
    `${kind}@${target.kind}:${target.namespace}/${target.name}`,
  labelled: (kind: SecurityKind, namespace: string, key: string, value: string) =>
    `${kind}@label:${namespace}:${key}=${value}`,
} as const;

function factsOf(policy: SecurityInput): string[] {
  const { kind, metadata, spec } = policy;
  const [label] = Object.entries(spec.selector?.matchLabels ?? {}).toSorted(([a], [b]) => compareText(a, b));
  return [
    ...(spec.targetRefs ?? []).map((target) =>
      securityFacts.at(kind, {
        kind: target.kind,
        namespace: target.kind === "MeshConfig" ? "" : metadata.namespace,
        name: target.name,
      }),
    ),
    // One label is enough to be found by; whether all of them fit is looked at then.
    ...(label === undefined ? [] : [securityFacts.labelled(kind, metadata.namespace, ...label)]),
  ];
}

export class SecurityPolicies {
  readonly authorization = new PolicyIndex<AuthorizationInput, PreparedAuthorization>({
    prepare: prepareAuthorization,
    factsOf,
  });
  readonly authentication = new PolicyIndex<AuthenticationInput, PreparedAuthentication>({
    prepare: prepareAuthentication,
    factsOf,
  });
  readonly rateLimit = new PolicyIndex<RateLimitInput, PreparedRateLimit>({
    prepare: prepareRateLimit,
    factsOf,
  });
  #hasDisabled = false;
  #wantedKeySets: ReadonlySet<string> = new Set();

  /** False: nothing of it is new. */
  set(policy: SecurityInput, dirty: Set<string>): boolean {
    switch (policy.kind) {
      case "AuthorizationPolicy":
        return this.authorization.set(policy, dirty);
      case "RateLimitPolicy":
        return this.rateLimit.set(policy, dirty);
      case "AuthenticationPolicy": {
        const isNew = this.authentication.set(policy, dirty);
        if (isNew) this.#noteAuthentication(dirty);
        return isNew;
      }
    }
  }

  delete(kind: SecurityKind, path: string, dirty: Set<string>): void {
    this.#index(kind).delete(path, dirty);
    if (kind === "AuthenticationPolicy") this.#noteAuthentication(dirty);
  }

  get(kind: SecurityKind, path: string) {
    return this.#index(kind).get(path);
  }

  get hasDisabled(): boolean {
    return this.#hasDisabled;
  }

  /** Addresses of key sets that policies name. The same set for as long as they are the same. */
  get wantedKeySets(): ReadonlySet<string> {
    return this.#wantedKeySets;
  }

  #index(kind: SecurityKind) {
    switch (kind) {
      case "AuthorizationPolicy":
        return this.authorization;
      case "AuthenticationPolicy":
        return this.authentication;
      case "RateLimitPolicy":
        return this.rateLimit;
    }
  }

  #noteAuthentication(dirty: Set<string>): void {
    const specs = this.authentication.values().map(({ policy }) => policy.spec);
    const hasDisabled = specs.some(
      ({ mtls }) =>
        mtls?.mode === "Disabled" || mtls?.ports?.some(({ mode }) => mode === "Disabled") === true,
    );
    if (hasDisabled !== this.#hasDisabled) dirty.add(disabledFact);
    this.#hasDisabled = hasDisabled;
    const wanted = specs
      .flatMap(({ jwt }) => (jwt?.providers ?? []).flatMap(({ jwksUri }) => jwksUri ?? []))
      .toSorted(compareText);
    const before = [...this.#wantedKeySets];
    const now = new Set(wanted);
    if (before.length !== now.size || before.some((uri) => !now.has(uri))) this.#wantedKeySets = now;
  }
}

/** What is read is added to `read`. */
export class SecurityReader {
  readonly #policies: SecurityPolicies;
  readonly #read: Set<string>;

  constructor(policies: SecurityPolicies, read: Set<string>) {
    this.#policies = policies;
    this.#read = read;
  }

  get hasDisabled(): boolean {
    this.#read.add(disabledFact);
    return this.#policies.hasDisabled;
  }

  /** The farthest first, and at one level the older first. */
  authorizationAt(place: Place): Found<PreparedAuthorization>[] {
    return this.#find("AuthorizationPolicy", this.#policies.authorization, place);
  }

  authenticationAt(place: Place): Found<PreparedAuthentication>[] {
    return this.#find("AuthenticationPolicy", this.#policies.authentication, place);
  }

  rateLimitsAt(place: Place): Found<PreparedRateLimit>[] {
    return this.#find("RateLimitPolicy", this.#policies.rateLimit, place);
  }

  /** The newest, and why it does not hold. For its own status, which is computed anew whenever it changes. */
  policy(kind: SecurityKind, path: string) {
    return this.#policies.get(kind, path);
  }

  #find<P extends AnyPolicy, E extends OfPolicy>(
    kind: SecurityKind,
    index: PolicyIndex<P, E>,
    { spots, workload }: Place,
  ): Found<E>[] {
    const found: Found<E>[] = [];
    const add = (level: Level, hasSection: boolean, values: readonly E[]): void => {
      for (const value of values) {
        const isThere = found.some((each) => each.value === value && each.level === level);
        if (!isThere) found.push({ level, hasSection, value });
      }
    };
    for (const spot of spots) {
      const listed = index.list(this.#reading(securityFacts.at(kind, spot)));
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
      const fact = securityFacts.labelled(kind, workload?.namespace ?? "", key, value);
      const listed = index.list(this.#reading(fact));
      const fitting = listed.filter(({ policy }) =>
        matchLabels(policy.spec.selector?.matchLabels, workload?.labels),
      );
      add(levels.workload, false, fitting);
    }
    return found.toSorted((a, b) => a.level - b.level || comparePolicies(a.value.policy, b.value.policy));
  }

  #reading(fact: string): string {
    this.#read.add(fact);
    return fact;
  }
}

function isAimedAt(policy: SecurityInput, { kind, name, sections }: Spot, bySection: boolean): boolean {
  return (policy.spec.targetRefs ?? []).some(
    (target) =>
      target.kind === kind &&
      target.name === name &&
      (target.sectionName === undefined ? !bySection : bySection && sections.includes(target.sectionName)),
  );
}
