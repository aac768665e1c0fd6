/** An object as a person reads it in a difference: YAML of what its author wrote, without what must not be shown. */
import { type Pair, stringify } from "yaml";
import type { ApiObject } from "./kinds.ts";

/** The server's own, which differ without anybody having changed anything. */
const serverFields: ReadonlySet<string> = new Set([
  ...["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields"],
]);
/** kubectl's copy of the whole object: it would show a Secret's values, and everything twice. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

const secretFields = ["data", "stringData"] as const;

/** `hide`: what is shown in the place of a Secret's value; the same for equal values, it must tell nothing of them. */
export function objectText(object: ApiObject, hide: (value: string) => string): string {
  const { status: _, metadata, ...rest } = { status: undefined, ...object };
  const entries = Object.entries(metadata)
    .filter(([name]) => !serverFields.has(name))
    .map(([name, value]) => [name, name === "annotations" ? withoutCopies(value) : value]);
  const content = object.kind === "Secret" ? hidden(rest, hide) : rest;
  // Sorted: a tool that writes fields in another order has changed nothing.
  return stringify(
    { ...content, metadata: Object.fromEntries(entries) },
    { lineWidth: 0, sortMapEntries: nameFirst },
  );
}

/** By it readers know the item of a list. */
function nameFirst(a: Pair, b: Pair): number {
  const [one, other] = [String(a.key), String(b.key)];
  if (one === other) return 0;
  if (one === "name" || other === "name") return one === "name" ? -1 : 1;
  return one < other ? -1 : 1;
}

function withoutCopies(annotations: unknown): unknown {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => name !== lastApplied));
}

function hidden<T extends object>(secret: T, hide: (value: string) => string): T {
  const fields = new Map<string, unknown>(Object.entries(secret));
  const masked = secretFields.flatMap((name) => {
    const values = Object.entries(fields.get(name) ?? {});
    return values.length === 0
      ? []
      : [[name, Object.fromEntries(values.map(([key, value]) => [key, hide(String(value))]))]];
  });
  return { ...secret, ...Object.fromEntries(masked) };
}
