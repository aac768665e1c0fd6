/** Who wants what, over all subscribers: finds those that a change touches, and lets the source forget what nobody wants. */
import { ItemMap } from "./item-map.ts";
import type { ResourceKind, ResourceName, ResourceSource } from "./resource-source.ts";

export class Interests<S> {
  readonly #source: ResourceSource;
  readonly #subscribers = new ItemMap<Set<S>>();
  /** Endpoints of every cluster that somebody wants. */
  readonly #members = new Map<string, ReadonlySet<string>>();
  readonly #clusterOf = new Map<string, string>();

  constructor(source: ResourceSource) {
    this.#source = source;
  }

  /** Endpoints are wanted through their clusters. */
  add(kind: Exclude<ResourceKind, "Endpoint">, key: string, subscriber: S): void {
    const subscribers = this.#subscribers.get(kind, key);
    if (subscribers !== undefined) {
      subscribers.add(subscriber);
      return;
    }
    this.#subscribers.set(kind, key, new Set([subscriber]));
    if (kind === "Cluster") this.#load(key);
  }

  remove(kind: Exclude<ResourceKind, "Endpoint">, key: string, subscriber: S): void {
    const subscribers = this.#subscribers.get(kind, key);
    if (subscribers === undefined || !subscribers.delete(subscriber) || subscribers.size > 0) return;
    this.#subscribers.delete(kind, key);
    if (kind === "Cluster") this.#unload(key);
    this.#source.forget(kind, key);
  }

  of(kind: ResourceKind, key: string): Iterable<S> {
    if (kind !== "Endpoint") return this.#subscribers.get(kind, key) ?? [];
    const cluster = this.#clusterOf.get(key);
    return cluster === undefined ? [] : (this.#subscribers.get("Cluster", cluster) ?? []);
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.#subscribers.has(kind, key);
  }

  /** Everything that somebody wants, without endpoints. */
  names(): Iterable<ResourceName> {
    return this.#subscribers.names();
  }

  members(cluster: string): Iterable<string> {
    return this.#members.get(cluster) ?? [];
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
    const members = new Set(this.#source.members(cluster));
    this.#members.set(cluster, members);
    for (const key of members) this.#clusterOf.set(key, cluster);
    return members;
  }

  #unload(cluster: string): void {
    for (const key of this.#members.get(cluster) ?? []) {
      this.#clusterOf.delete(key);
      this.#source.forget("Endpoint", key);
    }
    this.#members.delete(cluster);
    this.#source.forgetMembers(cluster);
  }
}
