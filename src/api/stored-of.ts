/** An object that lies in no store, with what a store would add: it follows from the object alone. */
import { WeftError } from "../kernel/index.ts";
import { type ApiObject, isStored, type Stored } from "./kinds.ts";
import { keyOf, keyText } from "./object-key.ts";

/** Files tell no age: routes that are equally specific are then ordered by name, not by when their file was added. */
const defaultCreationTimestamp = "1970-01-01T00:00:00Z";

/** `generation`: from 1, higher with each version of the object. `before`: the version that it takes the place of. */
export function storedOf(written: ApiObject, generation: number, before?: Stored): Stored {
  const uid = before?.metadata.uid ?? keyText(keyOf(written));
  const creationTimestamp =
    before?.metadata.creationTimestamp ?? written.metadata.creationTimestamp ?? defaultCreationTimestamp;
  const added = { uid, creationTimestamp, generation, resourceVersion: String(generation) };
  const object: ApiObject = structuredClone(written);
  Object.assign(object.metadata, added);
  if (!isStored(object)) throw new WeftError("internal", "an object lacks what was added to it");
  return object;
}
