/** ConfigMap: small texts that other objects refer to. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { base64, dataKey, dataValue, dnsSubdomain } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { flag, object, optional, text, textMap } from "./schema.ts";

/** Kubernetes' bound on the content of a ConfigMap or a Secret. */
export const maxDataBytes = 1_048_576;
export const maxDataEntries = 1024;

export const configMapKind = defineKind({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  singular: "configmap",
  shortNames: ["cm"],
  namespaced: true,
  hasStatus: false,
  description: "Small texts that other objects refer to, such as CA certificates. At most 1 MiB.",
  schema: object("Small texts that other objects refer to.", {
    apiVersion: Type.Literal("v1"),
    kind: Type.Literal("ConfigMap"),
    metadata: namespacedMetadata(text("Name of the ConfigMap.", dnsSubdomain)),
    data: optional(textMap("Texts by key.", dataKey, dataValue, maxDataEntries)),
    binaryData: optional(textMap("Bytes by key, in base64.", dataKey, base64, maxDataEntries)),
    immutable: optional(flag("Refuse changes to data from now on.")),
  }),
  columns: [
    {
      name: "Data",
      description: "Number of entries.",
      value: (map) => String(Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length),
    },
  ],
  checkChange: (before, after) => immutableIssues(before, after, ["data", "binaryData"]),
  check(map) {
    const data = Object.values(map.data ?? {}).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
    const binary = Object.values(map.binaryData ?? {}).reduce(
      (sum, value) => sum + Buffer.byteLength(value, "base64"),
      0,
    );
    const issues = Object.keys(map.binaryData ?? {})
      .filter((key) => Object.hasOwn(map.data ?? {}, key))
      .map((key) => ({ path: `binaryData[${key}]`, message: "the key is also in data" }));
    if (data + binary > maxDataBytes)
      issues.push({ path: "data", message: `must not hold more than ${maxDataBytes} bytes` });
    return issues;
  },
});

/** Once `immutable` is set, it and the content stay until the object is deleted. */
export function immutableIssues<T extends { readonly immutable?: boolean | undefined }>(
  before: T,
  after: T,
  content: readonly (keyof T & string)[],
): Issue[] {
  if (before.immutable !== true) return [];
  const issues: Issue[] = content
    .filter((field) => !Bun.deepEquals(before[field] ?? {}, after[field] ?? {}))
    .map((path) => ({ path, message: "cannot be changed: the object is immutable" }));
  if (after.immutable !== true) issues.push({ path: "immutable", message: "cannot be unset" });
  return issues;
}
