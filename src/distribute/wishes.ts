/**
 * What one subscriber wants: names that it asked for, names that its role implies, and the closure of both (the
 * clusters of its inbound, outbounds and gateways with their endpoints, and the certificates of its gateways). Keeps the core's interests in step.
 */
import { isEmptyClosure } from "./closure.ts";
import { inboundKey, meshKey } from "../model/index.ts";
import type { Interests } from "./interests.ts";
import { ItemMap } from "./item-map.ts";
import type { MemberSet } from "./member-set.ts";
import { type Closure, emptyClosure, type ResourceKind, type ResourceName } from "./resource-source.ts";

export interface ProxyIdentity {
  /** The node's id; also its workload: "namespace/name". */
  readonly workload: string;
  readonly namespace: string;
  readonly name: string;
  readonly role: ProxyRole;
  /** Of a gateway's machine, in canonical text and sorted; undefined: it does not tell. */
  readonly addresses?: readonly string[] | undefined;
  /** Where its metrics are read, as it says; undefined: it does not tell. */
  readonly metrics?: MetricsPlace | undefined;
}

export interface MetricsPlace {
  /** In canonical text. */
  readonly address: string;
  readonly port: number;
}

export type ProxyRole = "sidecar" | "gateway";

/** Kinds that a proxy asks for by name. The others come by themselves. */
export type NamedKind = Exclude<ResourceKind, "Cluster" | "Endpoint" | "Certificate" | "Mesh">;

export function isNamedKind(kind: ResourceKind): kind is NamedKind {
  return kind !== "Cluster" && kind !== "Endpoint" && kind !== "Certificate" && kind !== "Mesh";
}

type ClosureKind = "Cluster" | "Certificate";

/** Whose wishes they are. */
export interface WishesOwner {
  mark(kind: ResourceKind, key: string): void;
  /** The cluster is wanted from now on, and with it all of its endpoints. */
  gained(cluster: string): void;
  /** It is not wanted any more; each of its endpoints was marked. */
  letGo(cluster: string): void;
}

export class Wishes<S extends WishesOwner> {
  readonly #owner: S;
  #interests: Interests<S>;
  readonly #named = new ItemMap<true>();
  readonly #implied = new ItemMap<true>();
  /** Of each inbound, outbound and gateway, as counted below. */
  readonly #closures = new ItemMap<Closure>();
  /** Clusters and certificates: in how many closures each is. */
  readonly #uses = new ItemMap<number>();

  constructor(owner: S, identity: ProxyIdentity, interests: Interests<S>) {
    this.#owner = owner;
    this.#interests = interests;
    this.imply("Mesh", meshKey);
    if (identity.role === "sidecar") this.imply("Inbound", inboundKey(identity.namespace, identity.name));
  }

  /** Of which there is a use. */
  clusters(): Iterable<string> {
    return this.#uses.keys("Cluster");
  }

  /** How many names were asked for. */
  get namedCount(): number {
    return this.#named.size;
  }

  /** What was asked for, and what the role implies; not what those need. */
  roots(): ResourceName[] {
    return [...this.#named.names(), ...this.#implied.names()];
  }

  isNamed(kind: ResourceKind, key: string): boolean {
    return this.#named.has(kind, key);
  }

  isWanted(kind: ResourceKind, key: string): boolean {
    if (kind === "Cluster" || kind === "Certificate") return this.#uses.has(kind, key);
    if (kind === "Endpoint") return this.clusterOf(key) !== undefined;
    return this.#named.has(kind, key) || this.#implied.has(kind, key);
  }

  /** Its endpoints are still what is wanted of its cluster. */
  isIntact(set: MemberSet): boolean {
    return this.#uses.has("Cluster", set.cluster) && this.#interests.hasMembersOf(set);
  }

  /** Undefined: the endpoint is in no cluster that is wanted. */
  clusterOf(endpoint: string): string | undefined {
    const cluster = this.#interests.clusterOf(endpoint);
    return cluster !== undefined && this.#uses.has("Cluster", cluster) ? cluster : undefined;
  }

  /** Returns the key as it is to be kept. */
  name(kind: NamedKind, key: string): string {
    const kept = this.#interests.add(kind, key, this.#owner);
    this.#named.set(kind, kept, true);
    return kept;
  }

  unname(kind: NamedKind, key: string): void {
    if (this.#named.delete(kind, key)) this.#release(kind, key);
  }

  imply(kind: NamedKind | "Mesh", key: string): void {
    if (this.#implied.has(kind, key)) return;
    const kept = this.#interests.add(kind, key, this.#owner);
    this.#implied.set(kind, kept, true);
    this.#owner.mark(kind, kept);
  }

  /** All gateways, or those of them that there are now. */
  implyGateways(keys: readonly string[]): void {
    const now = new Set(keys);
    for (const key of [...this.#implied.keys("Gateway")]) {
      if (now.has(key)) continue;
      this.#implied.delete("Gateway", key);
      this.#release("Gateway", key);
      this.#owner.mark("Gateway", key);
    }
    for (const key of keys) this.imply("Gateway", key);
  }

  /** Says what an inbound, outbound or gateway needs from now on; what is gained and lost becomes dirty. */
  setClosure(kind: ResourceKind, key: string, closure: Closure): void {
    const before = this.closure(kind, key);
    if (isEmptyClosure(closure)) this.#closures.delete(kind, key);
    else this.#closures.set(kind, key, closure);
    // Gain first, so that what stays is never let go in between.
    for (const cluster of closure.clusters) this.#use("Cluster", cluster);
    for (const certificate of closure.certificates) this.#use("Certificate", certificate);
    for (const cluster of before.clusters) this.#unuse("Cluster", cluster);
    for (const certificate of before.certificates) this.#unuse("Certificate", certificate);
  }

  closure(kind: ResourceKind, key: string): Closure {
    return this.#closures.get(kind, key) ?? emptyClosure;
  }

  /**
   * Wants from now on what another source has. Everything that was or is wanted becomes dirty, so that what differs is sent.
   * Gain first, as ever: what both have in common is told to the other before it is let go here.
   */
  moveTo(interests: Interests<S>): void {
    const before = this.#interests;
    const names = [...this.#named.names(), ...this.#implied.names(), ...this.#uses.names()];
    for (const { kind, key } of names) this.#markMember(kind, key);
    for (const { kind, key } of names) if (kind !== "Endpoint") interests.add(kind, key, this.#owner);
    this.#interests = interests;
    for (const { kind, key } of names) this.#markMember(kind, key);
    for (const { kind, key } of names) if (kind !== "Endpoint") before.remove(kind, key, this.#owner);
  }

  close(): void {
    for (const { kind, key } of [...this.#closures.names()]) this.setClosure(kind, key, emptyClosure);
    const names = [...this.#named.names(), ...this.#implied.names()];
    this.#named.clear();
    this.#implied.clear();
    for (const { kind, key } of names) this.#release(kind, key);
  }

  #use(kind: ClosureKind, key: string): void {
    const uses = this.#uses.get(kind, key) ?? 0;
    this.#uses.set(kind, key, uses + 1);
    if (uses > 0) return;
    this.#interests.add(kind, key, this.#owner);
    this.#owner.mark(kind, key);
    if (kind === "Cluster") this.#owner.gained(key);
  }

  #unuse(kind: ClosureKind, key: string): void {
    const uses = this.#uses.get(kind, key) ?? 0;
    if (uses > 1) {
      this.#uses.set(kind, key, uses - 1);
      return;
    }
    this.#uses.delete(kind, key);
    this.#markMember(kind, key);
    if (kind === "Cluster") this.#owner.letGo(key);
    this.#interests.remove(kind, key, this.#owner);
  }

  #markMember(kind: ResourceKind, key: string): void {
    this.#owner.mark(kind, key);
    if (kind !== "Cluster") return;
    for (const endpoint of this.#interests.members(key)) this.#owner.mark("Endpoint", endpoint);
  }

  #release(kind: ResourceKind, key: string): void {
    if (kind === "Endpoint" || this.isWanted(kind, key)) return;
    this.#interests.remove(kind, key, this.#owner);
  }
}
