/** ListenerSet (Gateway API v1.6): more listeners for a Gateway, from whoever its allowedListeners let in. */
import Type from "typebox";
import { conditionOf, conditionsSchema, pendingConditions } from "./conditions.ts";
import { dnsLabel, dnsSubdomain, groupName, kindNameFormat, objectName } from "./formats.ts";
import { checkListeners, listenersSchema, listenerStatusSchema } from "./gateway-listener.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { gatewayGroup } from "./references.ts";
import { object, optional, text } from "./schema.ts";

export const listenerSetKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "ListenerSet",
  plural: "listenersets",
  singular: "listenerset",
  shortNames: ["lset"],
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description:
    "More listeners for a Gateway, on the Gateway's addresses. The Gateway's own come first, then those of older sets: of two that claim one port and hostname the first keeps it. Routes attach to the set, and references to certificates are those of its namespace.",
  schema: object("More listeners for a Gateway.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("ListenerSet"),
    metadata: namespacedMetadata(text("Name of the set.", dnsSubdomain)),
    spec: object("Which listeners, and for which Gateway.", {
      parentRef: object("The Gateway; its allowedListeners must let the set in.", {
        group: text("API group of the parent.", groupName, { default: gatewayGroup }),
        kind: text("Gateway.", kindNameFormat, { default: "Gateway" }),
        namespace: optional(text("Namespace of the Gateway; the set's own where absent.", dnsLabel)),
        name: text("Name of the Gateway.", objectName),
      }),
      listeners: listenersSchema,
    }),
    status: optional(
      object(
        "What the controller found.",
        { conditions: optional(conditionsSchema), listeners: optional(listenerStatusSchema) },
        { default: { conditions: pendingConditions("Accepted", "Programmed") } },
      ),
    ),
  }),
  columns: [
    {
      name: "Gateway",
      description: "Whose listeners they are.",
      value: ({ spec: { parentRef } }) =>
        parentRef.namespace === undefined ? parentRef.name : `${parentRef.namespace}/${parentRef.name}`,
    },
    {
      name: "Accepted",
      description: "The Gateway takes the set.",
      value: (set) => conditionOf(set.status?.conditions, "Accepted")?.status ?? "Unknown",
    },
    {
      name: "Programmed",
      description: "Proxies serve it.",
      value: (set) => conditionOf(set.status?.conditions, "Programmed")?.status ?? "Unknown",
    },
    {
      name: "Listeners",
      description: "What it listens on.",
      isWide: true,
      value: (set) => set.spec.listeners.map((each) => `${each.port}/${each.protocol}`).join(","),
    },
  ],
  check: ({ spec }) => checkListeners(spec.listeners),
});
