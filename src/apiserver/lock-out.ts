/** Whether a planned write shuts somebody out of what he reaches now, by policies of security. */
import {
  acceptLockoutField,
  type ApiObject,
  keyOf,
  keyText,
  type KindName,
  type ObjectKey,
  type ObjectOfKind,
} from "../api/index.ts";
import { findLockOuts, type MeshState } from "../compile/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";

/** A write before it is done; without an object it is a deletion. */
interface PlannedChange {
  readonly key: ObjectKey;
  readonly object: ApiObject | undefined;
}

/** Only these shut anything; workloads that come are shut out by nobody's change. */
const shutting: ReadonlySet<KindName> = new Set([
  "AuthorizationPolicy",
  "AuthenticationPolicy",
  "MeshConfig",
]);

/** More of them nobody reads. */
const maxListed = 8;

/**
 * What is open now and shut afterwards, one line for each; empty: nothing. `plaintextCallers`: "namespace/name" of
 * workloads to which somebody has come without a certificate lately.
 */
export function securityLockOuts(
  store: Store,
  writes: readonly PlannedChange[],
  plaintextCallers: () => ReadonlySet<string>,
): string[] {
  if (!writes.some(({ key }) => shutting.has(key.kind))) return [];
  const callers = plaintextCallers();
  const before = stateOf(store, [], callers);
  const after = stateOf(store, writes, callers);
  if (before === undefined || after === undefined) return [];
  const known = findLockOuts(before);
  const found = [...findLockOuts(after)].filter(([key]) => !known.has(key)).map(([, text]) => text);
  const shown = found.slice(0, maxListed);
  return found.length > maxListed ? [...shown, `and ${found.length - maxListed} more`] : shown;
}

/** `reasons`: what would be shut. Whoever means it repeats the write and says so. */
export function lockOutError(reasons: readonly string[]): WeftError {
  return new WeftError("conflict", `this would lock somebody out: ${reasons.join("; ")}`, {
    hint: "if that is meant, repeat it with --accept-lockout (acceptLockout=true)",
    issues: reasons.map((message) => ({ path: acceptLockoutField, message })),
  });
}

/** Undefined before there is a mesh. */
function stateOf(
  store: Store,
  writes: readonly PlannedChange[],
  plaintextCallers: ReadonlySet<string>,
): MeshState | undefined {
  const [meshConfig] = objectsOf(store, "MeshConfig", writes);
  if (meshConfig === undefined) return undefined;
  return {
    meshConfig,
    authorization: objectsOf(store, "AuthorizationPolicy", writes),
    authentication: objectsOf(store, "AuthenticationPolicy", writes),
    workloads: objectsOf(store, "MeshWorkload", writes),
    services: objectsOf(store, "Service", writes),
    gateways: objectsOf(store, "Gateway", writes),
    plaintextCallers,
  };
}

function objectsOf<K extends KindName>(
  store: Store,
  kind: K,
  writes: readonly PlannedChange[],
): ObjectOfKind<K>[] {
  const objects = new Map<string, ApiObject>();
  for (const object of store.list({ kind }).items) objects.set(keyText(keyOf(object)), object);
  for (const { key, object } of writes) {
    if (object === undefined) objects.delete(keyText(key));
    else objects.set(keyText(key), object);
  }
  return [...objects.values()].filter(
    (object): object is ObjectOfKind<K> & ApiObject => object.kind === kind,
  );
}
