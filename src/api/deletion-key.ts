/** The object that a deletion names, and back. */
import { isKindName } from "./kinds.ts";
import type { ObjectKey } from "./object-key.ts";
import type { Deletion } from "./transaction.ts";

/** Undefined: there is no such kind. A namespace that is not said is none. */
export function keyOfDeletion({ kind, namespace = "", name }: Deletion): ObjectKey | undefined {
  return isKindName(kind) ? { kind, namespace, name } : undefined;
}

export function deletionOfKey({ kind, namespace, name }: ObjectKey): Deletion {
  return namespace === "" ? { kind, name } : { kind, namespace, name };
}
