/** Policies of security and rate by what they are aimed at, and a reader that finds those that apply at a place. */
import { PolicyIndex } from "../policy/policy-index.ts";
import { compareText } from "../resource.ts";
import { factsOf, findAimed, type Found, type Place } from "./aimed-policies.ts";
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

/** Dirty when the first policy that switches mTLS off comes or the last one goes: endpoints depend on nothing else of them. */
const disabledFact = "mtls-disabled";

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
    return findAimed(this.#policies.authorization, "AuthorizationPolicy", place, this.#read);
  }

  authenticationAt(place: Place): Found<PreparedAuthentication>[] {
    return findAimed(this.#policies.authentication, "AuthenticationPolicy", place, this.#read);
  }

  rateLimitsAt(place: Place): Found<PreparedRateLimit>[] {
    return findAimed(this.#policies.rateLimit, "RateLimitPolicy", place, this.#read);
  }

  /** The newest, and why it does not hold. For its own status, which is computed anew whenever it changes. */
  policy(kind: SecurityKind, path: string) {
    return this.#policies.get(kind, path);
  }
}
