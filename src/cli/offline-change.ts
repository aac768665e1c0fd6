/** A change of files against a mesh of files, as a server would make it. */
import {
  type ApiObject,
  type Deletion,
  keyOf,
  keyOfDeletion,
  keyText,
  type ObjectKey,
  type Stored,
  type TransactionResult,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { addressed, objectDiff, proposedVersion } from "../simulate/index.ts";

export interface OfflineChange {
  readonly upserted: readonly Stored[];
  readonly removed: readonly ObjectKey[];
  readonly outcomes: readonly TransactionResult[];
  /** All objects with the change made. */
  readonly objects: readonly Stored[];
}

/** Throws `not_found` for a deletion of what is not there. */
export function offlineChange(
  base: readonly Stored[],
  written: readonly ApiObject[],
  deletions: readonly Deletion[] = [],
): OfflineChange {
  const known = new Map(base.map((object) => [keyText(keyOf(object)), object]));
  const proposed = addressed(
    written.map((object) => proposedVersion(object, known.get(keyText(keyOf(object))), undefined)),
    base,
  );
  const outcomeOf = (object: Stored): TransactionResult["outcome"] => {
    const existing = known.get(keyText(keyOf(object)));
    if (existing === undefined) return "created";
    return objectDiff(existing, object).length === 0 ? "unchanged" : "configured";
  };
  const judged = proposed.map((object) => ({ object, outcome: outcomeOf(object) }));
  const upserted = judged.flatMap(({ object, outcome }) => (outcome === "unchanged" ? [] : [object]));
  const removed = deletions.map(keyFrom);
  for (const key of removed) {
    if (!known.has(keyText(key)))
      throw new WeftError("not_found", `${keyText(key)} is not in the files of --base`);
  }
  const after = new Map(known);
  for (const key of removed) after.delete(keyText(key));
  for (const object of upserted) after.set(keyText(keyOf(object)), object);
  return {
    upserted,
    removed,
    outcomes: [
      ...judged.map(({ object, outcome }) => ({ ...keyOf(object), outcome })),
      ...removed.map((key) => ({ ...key, outcome: "deleted" as const })),
    ],
    objects: [...after.values()],
  };
}

function keyFrom(deletion: Deletion): ObjectKey {
  const key = keyOfDeletion(deletion);
  if (key === undefined) throw new WeftError("usage", `unknown kind ${deletion.kind}`);
  return key;
}
