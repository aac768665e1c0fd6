/**
 * The version of everything that one subscriber has. Endpoints that it has as others have them are one reference to the set of
 * their cluster; only what differs from it is its own.
 */
import type { Interests } from "./interests.ts";
import { ItemMap } from "./item-map.ts";
import { hasAnyOf, type MemberSet } from "./member-set.ts";
import type { ResourceKind, ResourceName } from "./resource-source.ts";

/** From this part of a set on that is the subscriber's own, a newer set is held against it, which takes a step for each member. */
const ownShare = 16;

export class AppliedVersions {
  readonly #own = new ItemMap<string>();
  /** By cluster; what `#own` has goes before. Undefined: none yet. */
  #sets: Map<string, MemberSet> | undefined = undefined;
  /** Undefined: in no cluster that the subscriber wants. Of an endpoint in one of the sets: that set's. */
  readonly #clusterOf: (endpoint: string) => string | undefined;

  constructor(clusterOf: (endpoint: string) => string | undefined) {
    this.#clusterOf = clusterOf;
  }

  get(kind: ResourceKind, key: string): string | undefined {
    const own = this.#own.get(kind, key);
    if (own !== undefined || kind !== "Endpoint") return own;
    return this.#setWith(key)?.resources.get(key)?.version;
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.get(kind, key) !== undefined;
  }

  set(kind: ResourceKind, key: string, version: string): void {
    this.#own.set(kind, key, version);
  }

  delete(kind: ResourceKind, key: string): void {
    if (kind === "Endpoint") {
      const set = this.#setWith(key);
      if (set?.resources.has(key) === true) this.dissolve(set.cluster);
    }
    this.#own.delete(kind, key);
  }

  /** Endpoints that are not as a set has them. */
  get ownEndpoints(): number {
    return this.#own.count("Endpoint");
  }

  /** Everything. Not to be changed meanwhile. */
  *names(): Iterable<ResourceName> {
    yield* this.#own.names();
    for (const { resources } of this.#sets?.values() ?? []) {
      for (const key of resources.keys())
        if (!this.#own.has("Endpoint", key)) yield { kind: "Endpoint", key };
    }
  }

  /** Whether nothing is known of any of the set's endpoints. */
  hasNoneOf(set: MemberSet): boolean {
    return this.#sets?.has(set.cluster) !== true && !hasAnyOf(this.#own, set);
  }

  /** It has all of the set, as it is in there. */
  setAll(set: MemberSet): void {
    if (this.ownEndpoints > 0) {
      for (const key of set.resources.keys()) this.#own.delete("Endpoint", key);
    }
    this.#sets ??= new Map();
    this.#sets.set(set.cluster, set);
  }

  /** Says the same with the newest sets, where it has exactly these. What this saves is memory. `clusters`: that are wanted. */
  shareAll(clusters: Iterable<string>, interests: Pick<Interests<unknown>, "memberSet">): void {
    if (this.ownEndpoints === 0) return;
    for (const cluster of clusters) {
      const set = interests.memberSet(cluster);
      if (set !== undefined) this.#share(set);
    }
  }

  /** Of a cluster that the subscriber may not want any more, or that has lost members. */
  dissolve(cluster: string): void {
    const set = this.#sets?.get(cluster);
    if (set === undefined) return;
    this.#sets?.delete(cluster);
    for (const [key, { version }] of set.resources) {
      if (!this.#own.has("Endpoint", key)) this.#own.set("Endpoint", key, version);
    }
  }

  dissolveAll(): void {
    for (const cluster of [...(this.#sets?.keys() ?? [])]) this.dissolve(cluster);
  }

  #share(set: MemberSet): void {
    const before = this.#sets?.get(set.cluster);
    if (before === set || this.ownEndpoints < set.resources.size / ownShare) return;
    // Most of a set is what it was in the one before, and is told by the object without a look at its version.
    let left = this.ownEndpoints;
    for (const [key, resource] of set.resources) {
      const own = left > 0 ? this.#own.get("Endpoint", key) : undefined;
      if (own !== undefined) left--;
      else if (before?.resources.get(key) === resource) continue;
      if ((own ?? before?.resources.get(key)?.version) !== resource.version) return;
    }
    for (const [key, { version }] of before?.resources ?? []) {
      if (!set.resources.has(key) && !this.#own.has("Endpoint", key)) this.#own.set("Endpoint", key, version);
    }
    this.setAll(set);
  }

  #setWith(endpoint: string): MemberSet | undefined {
    if (this.#sets === undefined) return undefined;
    const cluster = this.#clusterOf(endpoint);
    return cluster === undefined ? undefined : this.#sets.get(cluster);
  }
}
