/**
 * What one subscriber wants: names that it asked for, names that its role implies, and the closure of both (the
 * clusters of its outbounds and gateways, and their endpoints). Keeps the core's interests in step.
 */
import { inboundKey, meshKey } from "../model/index.ts";
import type { Interests } from "./interests.ts";
import { ItemMap } from "./item-map.ts";
import type { ResourceKind } from "./resource-source.ts";

export interface ProxyIdentity {
  /** The node's id; also its workload: "namespace/name". */
  readonly workload: string;
  readonly namespace: string;
  readonly name: string;
  readonly role: ProxyRole;
}

export type ProxyRole = "sidecar" | "gateway";

/** Kinds that a proxy asks for by name. The others come by themselves. */
export type NamedKind = Exclude<ResourceKind, "Cluster" | "Endpoint" | "Mesh">;

export function isNamedKind(kind: ResourceKind): kind is NamedKind {
  return kind !== "Cluster" && kind !== "Endpoint" && kind !== "Mesh";
}

type MarkDirty = (kind: ResourceKind, key: string) => void;

export class Wishes<S> {
  readonly #owner: S;
  readonly #interests: Interests<S>;
  readonly #markDirty: MarkDirty;
  readonly #named = new ItemMap<true>();
  readonly #implied = new ItemMap<true>();
  /** Clusters of each outbound and gateway, as counted below. */
  readonly #closures = new ItemMap<readonly string[]>();
  readonly #clusterUses = new Map<string, number>();

  constructor(owner: S, identity: ProxyIdentity, interests: Interests<S>, markDirty: MarkDirty) {
    this.#owner = owner;
    this.#interests = interests;
    this.#markDirty = markDirty;
    this.imply("Mesh", meshKey);
    if (identity.role === "sidecar") this.imply("Inbound", inboundKey(identity.namespace, identity.name));
  }

  /** How many names were asked for. */
  get namedCount(): number {
    return this.#named.size;
  }

  isNamed(kind: ResourceKind, key: string): boolean {
    return this.#named.has(kind, key);
  }

  isWanted(kind: ResourceKind, key: string): boolean {
    if (kind === "Cluster") return this.#clusterUses.has(key);
    if (kind === "Endpoint") {
      const cluster = this.#interests.clusterOf(key);
      return cluster !== undefined && this.#clusterUses.has(cluster);
    }
    return this.#named.has(kind, key) || this.#implied.has(kind, key);
  }

  name(kind: NamedKind, key: string): void {
    this.#named.set(kind, key, true);
    this.#interests.add(kind, key, this.#owner);
  }

  unname(kind: NamedKind, key: string): void {
    if (this.#named.delete(kind, key)) this.#release(kind, key);
  }

  imply(kind: NamedKind | "Mesh", key: string): void {
    if (this.#implied.has(kind, key)) return;
    this.#implied.set(kind, key, true);
    this.#interests.add(kind, key, this.#owner);
    this.#markDirty(kind, key);
  }

  /** All gateways, or those of them that there are now. */
  implyGateways(keys: readonly string[]): void {
    const now = new Set(keys);
    for (const key of [...this.#implied.keys("Gateway")]) {
      if (now.has(key)) continue;
      this.#implied.delete("Gateway", key);
      this.#release("Gateway", key);
      this.#markDirty("Gateway", key);
    }
    for (const key of keys) this.imply("Gateway", key);
  }

  /** Says which clusters an outbound or gateway needs from now on; gained and lost ones become dirty. */
  setClosure(kind: ResourceKind, key: string, clusters: readonly string[]): void {
    const before = this.#closures.get(kind, key) ?? [];
    if (clusters.length === 0) this.#closures.delete(kind, key);
    else this.#closures.set(kind, key, clusters);
    // Gain first, so that a cluster that stays is never let go in between.
    for (const cluster of clusters) this.#use(cluster);
    for (const cluster of before) this.#unuse(cluster);
  }

  closure(kind: ResourceKind, key: string): readonly string[] {
    return this.#closures.get(kind, key) ?? [];
  }

  close(): void {
    for (const { kind, key } of [...this.#closures.names()]) this.setClosure(kind, key, []);
    const names = [...this.#named.names(), ...this.#implied.names()];
    this.#named.clear();
    this.#implied.clear();
    for (const { kind, key } of names) this.#release(kind, key);
  }

  #use(cluster: string): void {
    const uses = this.#clusterUses.get(cluster) ?? 0;
    this.#clusterUses.set(cluster, uses + 1);
    if (uses > 0) return;
    this.#interests.add("Cluster", cluster, this.#owner);
    this.#markCluster(cluster);
  }

  #unuse(cluster: string): void {
    const uses = this.#clusterUses.get(cluster) ?? 0;
    if (uses > 1) {
      this.#clusterUses.set(cluster, uses - 1);
      return;
    }
    this.#clusterUses.delete(cluster);
    this.#markCluster(cluster);
    this.#interests.remove("Cluster", cluster, this.#owner);
  }

  #markCluster(cluster: string): void {
    this.#markDirty("Cluster", cluster);
    for (const endpoint of this.#interests.members(cluster)) this.#markDirty("Endpoint", endpoint);
  }

  #release(kind: ResourceKind, key: string): void {
    if (kind === "Endpoint" || this.isWanted(kind, key)) return;
    this.#interests.remove(kind, key, this.#owner);
  }
}
