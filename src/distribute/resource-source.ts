/** Where compiled resources come from: what the control plane's compiler looks like from here. Everything is synchronous. */
import type { ModelKind } from "../model/index.ts";

/** What travels: every kind but `Commit`, which ends a change. */
export type ResourceKind = Exclude<ModelKind, "Commit">;

export interface ResourceName {
  readonly kind: ResourceKind;
  readonly key: string;
}

/** Immutable, and the same object for as long as it does not change: it is encoded once for all subscribers. */
export interface SourceResource {
  readonly key: string;
  /** A hash of `bytes`, never empty. */
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly closure: Closure;
}

/** Keys of what a resource cannot be used without: it is sent in the same change, and only to who gets the resource. */
export interface Closure {
  /** Their endpoints come with them. */
  readonly clusters: readonly string[];
  readonly certificates: readonly string[];
}

export const emptyClosure: Closure = { clusters: [], certificates: [] };

export interface SourceChange {
  /** The newest revision of operators' resources that is in here. All of one revision comes in one change. */
  readonly revision: number;
  /** New, different or gone: `get` tells which. */
  readonly changed: readonly ResourceName[];
  /** Clusters in which endpoints joined or left. */
  readonly memberships: readonly string[];
  /** `gateways` answers something else than before. */
  readonly gatewaysChanged: boolean;
}

export interface ResourceSource {
  /** What `get`, `members` and `gateways` answer from. */
  readonly revision: number;
  /** From the first `get` until `forget`, changes to it are told. */
  get(kind: ResourceKind, key: string): SourceResource | undefined;
  /** Keys of a cluster's endpoints. From the first call until `forgetMembers`, changes are told. */
  members(cluster: string): readonly string[];
  /** Keys of every gateway that weft serves. */
  gateways(): readonly string[];
  forget(kind: ResourceKind, key: string): void;
  forgetMembers(cluster: string): void;
  /** Called after the change is visible. Returns the way out. */
  subscribe(listener: (change: SourceChange) => void): () => void;
}
