/** The name of one object: kind, namespace and name. Kinds are unique across groups, so no group is needed. */
import type { ApiObject, KindName } from "./kinds.ts";

export interface ObjectKey {
  readonly kind: KindName;
  /** Empty for kinds that live in no namespace. */
  readonly namespace: string;
  readonly name: string;
}

export function keyOf(object: ApiObject): ObjectKey {
  return { kind: object.kind, namespace: namespaceOf(object), name: object.metadata.name };
}

/** Empty for kinds that live in no namespace. */
export function namespaceOf(object: ApiObject): string {
  return object.metadata.namespace ?? "";
}

/** `HTTPRoute default/reviews`, `Namespace shop`: for messages and as a map key. */
export function keyText(key: ObjectKey): string {
  return key.namespace === "" ? `${key.kind} ${key.name}` : `${key.kind} ${key.namespace}/${key.name}`;
}
