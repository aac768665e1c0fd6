/** An object as a person reads it in a difference: YAML of what its author wrote, without what must not be shown. */
import { createHash } from "node:crypto";
import { stringify } from "yaml";
import type { ApiObject } from "./kinds.ts";

/** The server's own, which differ without anybody having changed anything. */
const serverFields: ReadonlySet<string> = new Set([
  ...["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields"],
]);
/** kubectl's copy of the whole object: it would show a Secret's values, and everything twice. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Values of a Secret are shown as a name that is the same for equal values within `salt`, and tells nothing of them. */
export function objectText(object: ApiObject, salt: string): string {
  const { status: _, metadata, ...rest } = { status: undefined, ...object };
  const entries = Object.entries(metadata)
    .filter(([name]) => !serverFields.has(name))
    .map(([name, value]) => [name, name === "annotations" ? withoutCopies(value) : value]);
  const content = object.kind === "Secret" ? hidden(rest, salt) : rest;
  // Sorted: a tool that writes fields in another order has changed nothing.
  return stringify(
    { ...content, metadata: Object.fromEntries(entries) },
    { lineWidth: 0, sortMapEntries: true },
  );
}

function withoutCopies(annotations: unknown): unknown {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => name !== lastApplied));
}

function hidden<T extends object>(secret: T, salt: string): T {
  const data = "data" in secret && typeof secret.data === "object" ? secret.data : undefined;
  if (data === undefined || data === null) return secret;
  const masked = Object.entries(data).map(([key, value]) => [key, `(hidden, ${mark(String(value), salt)})`]);
  return { ...secret, data: Object.fromEntries(masked) };
}

function mark(value: string, salt: string): string {
  return createHash("sha256").update(salt).update("\0").update(value).digest("hex").slice(0, 8);
}
