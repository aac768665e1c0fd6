/** ServiceAccount: whom a workload acts as; its name is part of the SPIFFE identity. */
import Type from "typebox";
import { dnsSubdomain, objectName } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { flag, list, object, optional, text } from "./schema.ts";

/** Kubernetes leaves it open; both lists are kept, not acted on. */
const maxReferences = 64;

export const serviceAccountKind = defineKind({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  singular: "serviceaccount",
  shortNames: ["sa"],
  namespaced: true,
  hasStatus: false,
  description: "Whom a workload acts as. Its identity is spiffe://<trust-domain>/ns/<namespace>/sa/<name>.",
  schema: object("Whom a workload acts as.", {
    apiVersion: Type.Literal("v1"),
    kind: Type.Literal("ServiceAccount"),
    metadata: namespacedMetadata(text("Name of the account.", dnsSubdomain)),
    automountServiceAccountToken: optional(flag("Kubernetes only; kept as written.")),
    secrets: optional(
      list(
        "Kubernetes only; kept as written.",
        object("A Secret.", { name: optional(text("Its name.", objectName)) }),
        { max: maxReferences, keys: ["name"], mergeKey: "name" },
      ),
    ),
    imagePullSecrets: optional(
      list(
        "Kubernetes only; kept as written.",
        object("A Secret.", { name: optional(text("Its name.", objectName)) }),
        { max: maxReferences },
      ),
    ),
  }),
  columns: [],
});
