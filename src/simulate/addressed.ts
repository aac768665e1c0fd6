/** Objects of files with the virtual addresses that a server would give them. */
import {
  isOfKind,
  isStored,
  keyOf,
  keyText,
  type KindName,
  type ObjectKey,
  type Stored,
  type StoredOfKind,
} from "../api/index.ts";
import { assignAddresses } from "../registry/index.ts";

/**
 * `existing`: those that there are already, whose addresses stay. Refused ones stay without. As with a server, the prefixes are
 * those of the MeshConfig as it is written, whether or not it can be put into force.
 */
export function addressed(objects: readonly Stored[], existing: Iterable<Stored> = []): Stored[] {
  const all = new Map([...existing].map((object) => [keyText(keyOf(object)), object]));
  const ofKind = <K extends KindName>(kind: K): StoredOfKind<K>[] =>
    [...all.values()].flatMap((object) => (isOfKind(object, kind) ? [object] : []));
  const find = <K extends KindName>(key: ObjectKey, kind: K) => {
    const found = all.get(keyText(key));
    return found !== undefined && isOfKind(found, kind) ? found : undefined;
  };
  return assignAddresses(objects, {
    service: (key) => find(key, "Service"),
    external: (key) => find(key, "ExternalService"),
    services: () => ofKind("Service"),
    externals: () => ofKind("ExternalService"),
    meshConfig: () => ofKind("MeshConfig")[0],
  }).objects.filter((object) => isStored(object));
}
