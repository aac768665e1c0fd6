/** Refusals of writes that are meant for another object, or for another state of it. */
import { type ApiObject, keyOf, keyText, type ObjectKey, type Stored } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";

export function refuseOtherName(object: ApiObject, key: ObjectKey): void {
  const named = keyText(keyOf(object));
  if (named !== keyText(key))
    throw new WeftError("usage", `the body names ${named}, the path ${keyText(key)}`);
}

/** A write that names a version must be based on the newest. */
export function refuseStale(key: ObjectKey, asked: string | undefined, existing: Stored): void {
  const newest = existing.metadata.resourceVersion;
  if (asked === undefined || asked === newest) return;
  throw new WeftError(
    "conflict",
    `${keyText(key)} has changed: the write is based on version ${asked}, the newest is ${newest}`,
    { hint: "read it again and repeat the change" },
  );
}

/** The object of that name may be another one by now. */
export function refuseOther(key: ObjectKey, uid: string | undefined, existing: Stored): void {
  if (uid === undefined || uid === existing.metadata.uid) return;
  throw new WeftError(
    "conflict",
    `${keyText(key)} is another object: its uid is ${existing.metadata.uid}, not ${uid}`,
  );
}
