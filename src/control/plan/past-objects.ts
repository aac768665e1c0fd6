/** PURE: objects as they were at a revision, and what leads from there to another one, from what the history tells of the time since. */
import { type ApiObject, isStored, keyOf, keyText, type KindName, type Stored } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { ObjectChanges } from "../../simulate/index.ts";
import type { Change } from "../../store/index.ts";

/** Which kinds are looked at. */
export type IsRead = (kind: KindName) => boolean;

/** `now`: all there are. `since`: all changes from the revision to now. What has not changed is the same object. */
export function objectsBefore(now: readonly Stored[], since: readonly Change[], isRead: IsRead): Stored[] {
  const objects = new Map(now.map((object) => [keyText(keyOf(object)), object]));
  for (const { key, before } of since) {
    if (before === undefined || !isRead(key.kind)) objects.delete(keyText(key));
    else objects.set(keyText(key), storedAgain(before));
  }
  return [...objects.values()];
}

/** `changes`: from one revision to a later one. `isBack`: from the later to the earlier one. */
export function changesOf(changes: readonly Change[], isBack: boolean, isRead: IsRead): ObjectChanges {
  const read = changes.filter(({ key }) => isRead(key.kind));
  const ends = read.map(({ key, before, after }) => ({ key, end: isBack ? before : after }));
  return {
    upserted: ends.flatMap(({ end }) => (end === undefined ? [] : [storedAgain(end)])),
    removed: ends.flatMap(({ key, end }) => (end === undefined ? [key] : [])),
  };
}

/** The history keeps everything but what each write changes: status, and the number of the write. */
function storedAgain(object: ApiObject): Stored {
  const copy = structuredClone(object);
  Object.assign(copy.metadata, { resourceVersion: copy.metadata.resourceVersion ?? "0" });
  if (isStored(copy)) return copy;
  throw new WeftError("internal", `the history lacks metadata of ${keyText(keyOf(object))}`);
}
