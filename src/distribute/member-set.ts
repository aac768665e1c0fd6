/**
 * A cluster's endpoints as they are at a moment: made once for all who want the cluster, encoded once, and remembered by each
 * as one thing. Most proxies have tens of clusters and hundreds of endpoints, so this is most of what a proxy costs.
 */
import type { ItemMap } from "./item-map.ts";
import type { SourceResource } from "./resource-source.ts";

/** A larger cluster's endpoints are told and remembered one by one: a copy of it for each change would cost more than it saves. */
export const maxSetMembers = 256;

/** Immutable, and the same object for as long as none of its endpoints changes. */
export interface MemberSet {
  readonly cluster: string;
  /** As `Interests` has them: the same object for as long as nobody joins or leaves. */
  readonly members: ReadonlySet<string>;
  /** Endpoints by key: at most `maxSetMembers`. */
  readonly resources: ReadonlyMap<string, SourceResource>;
}

export function hasAnyOf(table: ItemMap<unknown>, { resources }: MemberSet): boolean {
  if (table.count("Endpoint") === 0) return false;
  for (const key of resources.keys()) if (table.has("Endpoint", key)) return true;
  return false;
}
