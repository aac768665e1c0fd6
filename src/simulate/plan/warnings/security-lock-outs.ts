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
import { lockOutsInSteps } from "../../../compile/index.ts";
import type { Steps } from "../../../kernel/index.ts";
import type { ObjectChanges } from "../tracked-mesh.ts";

const shutting: ReadonlySet<KindName> = new Set([
  "AuthorizationPolicy",
  "AuthenticationPolicy",
  "MeshConfig",
]);

const read: ReadonlySet<KindName> = new Set([...shutting, "MeshWorkload", "Service", "Gateway"] as const);
/** Of which each step looks at so many. */
const objectsOfStep = 1_024;

/** `made`: the change, where it is made; nothing is looked for where `planned`, the whole change, can shut nothing. */
export function* securityLockOuts(
  objects: ReadonlyMap<string, Stored>,
  made: ObjectChanges | undefined,
  planned: ObjectChanges,
  plaintextCallers: ReadonlySet<string>,
): Steps<PlanWarning[]> {
  const kinds = [...planned.upserted, ...planned.removed].map(({ kind }) => kind);
  if (!kinds.some((kind) => shutting.has(kind))) return [];
  const replaced = new Set([
    ...(made?.removed ?? []).map(keyText),
    ...(made?.upserted ?? []).map((object) => keyText(keyOf(object))),
  ]);
  const byKind = Map.groupBy<KindName, Stored>(made?.upserted ?? [], ({ kind }) => kind);
  for (const [index, [text, object]] of [...objects].entries()) {
    if (index % objectsOfStep === 0) yield;
    if (replaced.has(text) || !read.has(object.kind)) continue;
    const same = byKind.get(object.kind);
    if (same === undefined) byKind.set(object.kind, [object]);
    else same.push(object);
  }
  const of = <K extends KindName>(kind: K): StoredOfKind<K>[] =>
    (byKind.get(kind) ?? []).flatMap((object) => (isOfKind(object, kind) ? [object] : []));
  const [meshConfig] = of("MeshConfig");
  if (meshConfig === undefined) return [];
  const found = yield* lockOutsInSteps({
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
