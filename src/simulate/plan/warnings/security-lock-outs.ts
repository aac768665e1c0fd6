/** What policies of security would shut that is open now, told from their words alone. */
import {
  isOfKind,
  keyOf,
  keyText,
  type KindName,
  type PlanWarning,
  type Stored,
  type StoredOfKind,
} from "../../../api/index.ts";
import { findLockOuts } from "../../../compile/index.ts";
import type { ObjectChanges } from "../tracked-mesh.ts";

const shutting: ReadonlySet<KindName> = new Set([
  "AuthorizationPolicy",
  "AuthenticationPolicy",
  "MeshConfig",
]);

/** `made`: the change, where it is made; nothing is looked for where `planned`, the whole change, can shut nothing. */
export function securityLockOuts(
  objects: ReadonlyMap<string, Stored>,
  made: ObjectChanges | undefined,
  planned: ObjectChanges,
  plaintextCallers: ReadonlySet<string>,
): PlanWarning[] {
  const kinds = [...planned.upserted, ...planned.removed].map(({ kind }) => kind);
  if (!kinds.some((kind) => shutting.has(kind))) return [];
  const all = new Map<string, Stored>(objects);
  for (const key of made?.removed ?? []) all.delete(keyText(key));
  for (const object of made?.upserted ?? []) all.set(keyText(keyOf(object)), object);
  const of = <K extends KindName>(kind: K): StoredOfKind<K>[] =>
    [...all.values()].flatMap((object) => (isOfKind(object, kind) ? [object] : []));
  const [meshConfig] = of("MeshConfig");
  if (meshConfig === undefined) return [];
  const found = findLockOuts({
    meshConfig,
    authorization: of("AuthorizationPolicy"),
    authentication: of("AuthenticationPolicy"),
    workloads: of("MeshWorkload"),
    services: of("Service"),
    gateways: of("Gateway"),
    plaintextCallers,
  });
  return [...found.values()].map((message): PlanWarning => ({ code: "locks_out", message }));
}
