/** Secret: keys, certificates and other content that is not shown. `stringData` is folded into `data` on write. */
import Type from "typebox";
import { immutableIssues, maxDataBytes, maxDataEntries } from "./config-map.ts";
import { anyText, base64, dataKey, dataValue, dnsSubdomain } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { flag, object, optional, text, textMap } from "./schema.ts";

export const secretKind = defineKind({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  singular: "secret",
  selectableFields: ["type"],
  namespaced: true,
  hasStatus: false,
  description: "Keys, certificates and other content that must not be shown. At most 1 MiB.",
  schema: object("Content that must not be shown.", {
    apiVersion: Type.Literal("v1"),
    kind: Type.Literal("Secret"),
    metadata: namespacedMetadata(text("Name of the Secret.", dnsSubdomain)),
    type: text("What it holds, such as kubernetes.io/tls.", anyText, { default: "Opaque" }),
    data: optional(textMap("Bytes by key, in base64.", dataKey, base64, maxDataEntries)),
    stringData: optional(
      textMap("Texts by key; written into data, never read back.", dataKey, dataValue, maxDataEntries),
    ),
    immutable: optional(flag("Refuse changes to data from now on.")),
  }),
  columns: [
    { name: "Type", description: "What it holds.", value: (secret) => secret.type },
    {
      name: "Data",
      description: "Number of entries.",
      value: (secret) => String(Object.keys(secret.data ?? {}).length),
    },
  ],
  checkChange: (before, after) => immutableIssues(before, after, ["data", "type"]),
  check(secret) {
    const data = Object.values(secret.data ?? {}).reduce(
      (sum, value) => sum + Buffer.byteLength(value, "base64"),
      0,
    );
    const texts = Object.values(secret.stringData ?? {}).reduce(
      (sum, value) => sum + Buffer.byteLength(value),
      0,
    );
    const issues =
      data + texts > maxDataBytes
        ? [{ path: "data", message: `must not hold more than ${maxDataBytes} bytes` }]
        : [];
    if (secret.type === "kubernetes.io/tls") {
      for (const key of ["tls.crt", "tls.key"]) {
        if (!Object.hasOwn({ ...secret.data, ...secret.stringData }, key)) {
          issues.push({ path: `data[${key}]`, message: "is required in a Secret of type kubernetes.io/tls" });
        }
      }
    }
    return issues;
  },
  complete(secret) {
    if (secret.stringData === undefined) return secret;
    const { stringData, ...rest } = secret;
    const encoded = Object.entries(stringData).map(([key, value]) => [
      key,
      Buffer.from(value).toString("base64"),
    ]);
    return { ...rest, data: { ...secret.data, ...Object.fromEntries(encoded) } };
  },
});
