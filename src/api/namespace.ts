/** Namespace: the room that other objects live in. */
import Type from "typebox";
import { outboundTrafficAnnotation } from "./annotations.ts";
import { conditionsSchema } from "./conditions.ts";
import { anyText, dnsLabel } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { clusterMetadata } from "./metadata.ts";
import { list, object, oneOf, optional, text } from "./schema.ts";

/** Written by Kubernetes tools; more would be a mistake. */
const maxFinalizers = 16;

export const namespaceKind = defineKind({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  selectableFields: ["status.phase"],
  namespaced: false,
  hasStatus: true,
  description: `A room for objects. Identities and policies are bound to it. With the annotation ${outboundTrafficAnnotation}: deny, its workloads reach no address that the mesh does not know.`,
  schema: object("A room for objects.", {
    apiVersion: Type.Literal("v1"),
    kind: Type.Literal("Namespace"),
    metadata: clusterMetadata(text("Name of the namespace.", dnsLabel)),
    spec: optional(
      object("Nothing that the mesh acts on.", {
        finalizers: optional(list("Kept as written.", text("A finalizer.", anyText), { max: maxFinalizers })),
      }),
    ),
    status: optional(
      object("What the server found.", {
        phase: optional(oneOf("Always Active: deletion is immediate.", ["Active", "Terminating"])),
        conditions: optional(conditionsSchema),
      }),
    ),
  }),
  columns: [{ name: "Status", description: "Always Active.", value: (ns) => ns.status?.phase ?? "Active" }],
  check({ metadata }) {
    const value = metadata.annotations?.[outboundTrafficAnnotation];
    if (value === undefined || value === "deny") return [];
    const message = "must be deny or absent; a namespace can only be stricter than its mesh";
    return [{ path: `metadata.annotations[${outboundTrafficAnnotation}]`, message }];
  },
});
