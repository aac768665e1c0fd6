/** Whether writing an object would change anything that its author wrote. */
import type { ApiObject } from "../api/index.ts";
import { isPlain } from "./patch/merge-patch.ts";

const serverFields = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "managedFields",
];

/** Compares without `status` and without the metadata that the server owns. */
export function sameContent(before: ApiObject, after: ApiObject): boolean {
  return Bun.deepEquals(ownContent(before), ownContent(after));
}

/** The object as its author wrote it. */
function ownContent(object: ApiObject): unknown {
  const entries = Object.entries(object).filter(([name]) => name !== "status" && name !== "metadata");
  const metadata = Object.entries(object.metadata).filter(
    ([name, value]) => !serverFields.includes(name) && !(isPlain(value) && Object.keys(value).length === 0),
  );
  return { ...Object.fromEntries(entries), metadata: Object.fromEntries(metadata) };
}
