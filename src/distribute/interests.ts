/** Who wants what, over all subscribers: finds those that a change touches, and lets the source forget what nobody wants. */
import { type CompactSet, removeMember, withMember } from "../kernel/index.ts";
import { ItemMap } from "./item-map.ts";
import { maxSetMembers, type MemberSet } from "./member-set.ts";
import type { ResourceKind, ResourceName, ResourceSource, SourceResource } from "./resource-source.ts";

interface Interest<S> {
  /** The text that all share: each stream brings its own. */
  readonly key: string;
  /** Mostly few: of one service's name as the instances of another see it. */
  subscribers: CompactSet<S>;
}

export class Interests<S> {
  readonly #source: ResourceSource;
  readonly #interests = new ItemMap<Interest<S>>();
  /** Endpoints of every cluster that somebody wants. */
  readonly #members = new Map<string, ReadonlySet<string>>();
  readonly #clusterOf = new Map<string, string>();
  /** By cluster, of those that were asked for and have not changed since. */
  readonly #sets = new Map<string, MemberSet>();

  constructor(source: ResourceSource) {
    this.#source = source;
  }

  /** Endpoints are wanted through their clusters. Returns the key as it is to be kept. */
  add(kind: Exclude<ResourceKind, "Endpoint">, key: string, subscriber: S): string {
    const interest = this.#interests.get(kind, key);
    if (interest !== undefined) {
      interest.subscribers = withMember(interest.subscribers, subscriber);
      return interest.key;
    }
    this.#interests.set(kind, key, { key, subscribers: [subscriber] });
    if (kind === "Cluster") this.#load(key);
    return key;
  }

  remove(kind: Exclude<ResourceKind, "Endpoint">, key: string, subscriber: S): void {
    const interest = this.#interests.get(kind, key);
    if (interest === undefined || !removeMember(interest.subscribers, subscriber)) return;
    this.#interests.delete(kind, key);
    if (kind === "Cluster") this.#unload(key);
    this.#source.forget(kind, key);
  }

  of(kind: ResourceKind, key: string): Iterable<S> {
    if (kind !== "Endpoint") return this.#interests.get(kind, key)?.subscribers ?? [];
    const cluster = this.#clusterOf.get(key);
    return cluster === undefined ? [] : (this.#interests.get("Cluster", cluster)?.subscribers ?? []);
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.#interests.has(kind, key);
  }

  /** Everything that somebody wants, without endpoints. */
  names(): Iterable<ResourceName> {
    return this.#interests.names();
  }

  members(cluster: string): Iterable<string> {
    return this.#members.get(cluster) ?? [];
  }

  /** Nobody has joined or left since. */
  hasMembersOf({ cluster, members }: MemberSet): boolean {
    return this.#members.get(cluster) === members;
  }

  /** Undefined: too many to be one, or nobody wants the cluster. */
  memberSet(cluster: string): MemberSet | undefined {
    const known = this.#sets.get(cluster);
    if (known !== undefined) return known;
    const members = this.#members.get(cluster);
    if (members === undefined || members.size > maxSetMembers) return undefined;
    const resources = new Map<string, SourceResource>();
    for (const key of members) {
      const resource = this.#source.get("Endpoint", key);
      if (resource !== undefined) resources.set(key, resource);
    }
    const set = { cluster, members, resources };
    this.#sets.set(cluster, set);
    return set;
  }

  /** The source has another version of the resource. */
  changed(kind: ResourceKind, key: string): void {
    const cluster = kind === "Endpoint" ? this.#clusterOf.get(key) : undefined;
    if (cluster !== undefined) this.#sets.delete(cluster);
  }

  /** Undefined: it is in no cluster that anybody wants. */
  clusterOf(endpoint: string): string | undefined {
    return this.#clusterOf.get(endpoint);
  }

  /** Reads a cluster's members anew; returns the endpoints that joined or left. */
  reload(cluster: string): string[] {
    const before = this.#members.get(cluster);
    if (before === undefined) return [];
    const now = this.#load(cluster);
    const left = [...before].filter((key) => !now.has(key));
    for (const key of left) {
      this.#clusterOf.delete(key);
      this.#source.forget("Endpoint", key);
    }
    return [...left, ...[...now].filter((key) => !before.has(key))];
  }

  #load(cluster: string): ReadonlySet<string> {
    this.#sets.delete(cluster);
    const members = new Set(this.#source.members(cluster));
    this.#members.set(cluster, members);
    for (const key of members) this.#clusterOf.set(key, cluster);
    return members;
  }

  #unload(cluster: string): void {
    this.#sets.delete(cluster);
    for (const key of this.#members.get(cluster) ?? []) {
      this.#clusterOf.delete(key);
      this.#source.forget("Endpoint", key);
    }
    this.#members.delete(cluster);
    this.#source.forgetMembers(cluster);
  }
}
