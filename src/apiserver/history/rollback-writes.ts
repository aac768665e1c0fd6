/** PURE: what has to be written so that objects are again as they were. What is refused of it, and why, is the writer's to say. */
import {
  type ApiObject,
  type Deletion,
  deletionOfKey,
  findKind,
  keyOfDeletion,
  keyText,
  kinds,
  type ObjectKey,
  type Stored,
} from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { Change } from "../../store/index.ts";
import { sameContent } from "../same-content.ts";

export interface RollbackWrites {
  readonly objects: readonly unknown[];
  readonly deletions: readonly Deletion[];
  /** The same as changes: from what is there now to what was. */
  readonly changes: readonly Change[];
}

/**
 * `changes`: from the revision to now. `only`: these objects alone; all where empty. Throws `not_found` for one of them that has
 * not changed since and is not there: probably a slip of the pen.
 */
export function rollbackWrites(
  changes: readonly Change[],
  only: readonly Deletion[],
  revision: number,
  current: (key: ObjectKey) => Stored | undefined,
): RollbackWrites {
  const wanted = new Set(only.map((each) => keyText(keyFrom(each))));
  const chosen = wanted.size === 0 ? changes : changes.filter(({ key }) => wanted.has(keyText(key)));
  const known = new Set(chosen.map(({ key }) => keyText(key)));
  for (const each of only) {
    const key = keyFrom(each);
    if (known.has(keyText(key)) || current(key) !== undefined) continue;
    throw new WeftError("not_found", `${keyText(key)} is not there and was not at revision ${revision}`);
  }
  const objects: unknown[] = [];
  const deletions: Deletion[] = [];
  const undone: Change[] = [];
  for (const { key, before } of chosen) {
    const now = current(key);
    if (before === undefined) {
      if (now === undefined) continue;
      deletions.push(deletionOfKey(key));
      undone.push({ key, before: now });
    } else if (now === undefined || !sameContent(now, before)) {
      objects.push(withoutServerFields(before));
      undone.push({ key, after: before, ...(now === undefined ? {} : { before: now }) });
    }
  }
  return { objects, deletions, changes: undone };
}

function keyFrom(deletion: Deletion): ObjectKey {
  const key = keyOfDeletion({ ...deletion, kind: findKind(deletion.kind) ?? deletion.kind });
  if (key === undefined) throw new WeftError("bad_input", `there is no kind ${deletion.kind}`);
  const isUnsaid = kinds[key.kind].namespaced && key.namespace === "";
  return isUnsaid ? { ...key, namespace: "default" } : key;
}

/** Who created it first, and when, is history; what is created again is another object. */
function withoutServerFields(object: ApiObject): unknown {
  const { uid: _uid, generation: _generation, creationTimestamp: _time, ...metadata } = object.metadata;
  return { ...object, metadata };
}
