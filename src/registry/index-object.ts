/** One object into a registry's index, or out of it: which kinds it holds is known here alone. */
import type { ObjectKey, Stored } from "../api/index.ts";
import type { ChangeSet } from "./change-set.ts";
import type { RegistryIndex } from "./registry-index.ts";
import type { WorkloadHealth } from "./view.ts";

/** `health`: of a workload; of other objects it means nothing. */
export function indexObject(
  index: RegistryIndex,
  object: Stored,
  health: WorkloadHealth,
  changes: ChangeSet,
): void {
  switch (object.kind) {
    case "Service":
      return index.upsertService(object, changes);
    case "EndpointSlice":
      return index.upsertSlice(object, changes);
    case "MeshWorkload":
      return index.upsertWorkload(object, health, changes);
    default:
  }
}

export function unindexObject(index: RegistryIndex, key: ObjectKey, changes: ChangeSet): void {
  const path = `${key.namespace}/${key.name}`;
  if (key.kind === "Service") index.removeService(path, changes);
  if (key.kind === "EndpointSlice") index.removeSlice(path, changes);
  if (key.kind === "MeshWorkload") index.removeWorkload(path, changes);
}
