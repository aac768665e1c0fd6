/** A change as one process tells it to another that serves the same configuration. */
import type { RawResource } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";

export type ResourceName = Pick<RawResource, "kind" | "name">;

/** Everything of one change, in any order: it becomes live in one step. */
export interface SuppliedChange {
  readonly revision: number;
  readonly upserts: readonly RawResource[];
  /** There is no such thing; where it was asked for by name, that is the answer. */
  readonly removals: readonly ResourceName[];
  /** Nobody asks for these any more: neither known nor unknown. */
  readonly forgotten?: readonly ResourceName[];
}

/** The last change of each resource is the one that counts, so that their order need not be told. */
export function suppliedChange(changes: readonly ResourceChange[], revision: number): SuppliedChange {
  const last = new Map<string, ResourceChange>();
  for (const change of changes) {
    const { kind, name } = change.type === "upsert" ? change.resource : change;
    last.set(`${kind} ${name}`, change);
  }
  const upserts: RawResource[] = [];
  const removals: ResourceName[] = [];
  const forgotten: ResourceName[] = [];
  for (const change of last.values()) {
    if (change.type === "upsert") {
      const { kind, name, version, bytes } = change.resource;
      upserts.push({ kind, name, version, bytes });
    } else {
      (change.type === "remove" ? removals : forgotten).push({ kind: change.kind, name: change.name });
    }
  }
  return { revision, upserts, removals, forgotten };
}
