/** Objects of files with the virtual addresses that a server would give them. */
import {
  isOfKind,
  isStored,
  keyOf,
  keyText,
  type KindName,
  type Stored,
  type StoredOfKind,
} from "../../api/index.ts";
import { assignAddresses } from "../../registry/index.ts";

/** `existing`: those that there are already, whose addresses stay. Refused ones stay without. */
export function addressed(objects: readonly Stored[], existing: Iterable<Stored> = []): Stored[] {
  const all = new Map([...existing].map((object) => [keyText(keyOf(object)), object]));
  const written = new Map(objects.map((object) => [keyText(keyOf(object)), object]));
  const ofKind = <K extends KindName>(kind: K): StoredOfKind<K>[] =>
    [...all.values()].flatMap((object) => (isOfKind(object, kind) ? [object] : []));
  const find = <K extends KindName>(text: string, kind: K) => {
    const found = all.get(text);
    return found !== undefined && isOfKind(found, kind) ? found : undefined;
  };
  const config = [...written.values()].find((object) => isOfKind(object, "MeshConfig"));
  return assignAddresses(objects, {
    service: (key) => find(keyText(key), "Service"),
    external: (key) => find(keyText(key), "ExternalService"),
    services: () => ofKind("Service"),
    externals: () => ofKind("ExternalService"),
    meshConfig: () => (config?.kind === "MeshConfig" ? config : ofKind("MeshConfig")[0]),
  }).objects.filter((object) => isStored(object));
}
