/** ReferenceGrant (Gateway API v1.6): lets objects of other namespaces refer to objects of this one. */
import Type from "typebox";
import { dnsLabel, dnsSubdomain, groupName, kindNameFormat, objectName } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { gatewayGroup } from "./references.ts";
import { list, object, optional, text } from "./schema.ts";

/** Gateway API's bound. */
const maxEntries = 16;

export const referenceGrantKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "ReferenceGrant",
  plural: "referencegrants",
  singular: "referencegrant",
  shortNames: ["refgrant"],
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: false,
  description:
    "Lets Gateways and ListenerSets of other namespaces use Secrets and ConfigMaps of this one, and routes of other namespaces send to Services of this one.",
  schema: object("Who may refer to what in this namespace.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("ReferenceGrant"),
    metadata: namespacedMetadata(text("Name of the grant.", dnsSubdomain)),
    spec: object("Everything in from may refer to everything in to.", {
      from: list(
        "Who may refer.",
        object("Objects of one kind and namespace.", {
          group: text("API group of the kind; empty for the core group.", groupName),
          kind: text("Gateway, ListenerSet or a kind of route.", kindNameFormat),
          namespace: text("Their namespace.", dnsLabel),
        }),
        { min: 1, max: maxEntries },
      ),
      to: list(
        "To what.",
        object("Objects of one kind in the grant's own namespace.", {
          group: text("API group of the kind; empty for the core group.", groupName),
          kind: text("Secret, ConfigMap or Service.", kindNameFormat),
          name: optional(text("Only this one; all of the kind where absent.", objectName)),
        }),
        { min: 1, max: maxEntries },
      ),
    }),
  }),
  columns: [
    {
      name: "From",
      description: "Who may refer.",
      value: (grant) => grant.spec.from.map((each) => `${each.namespace}/${each.kind}`).join(","),
    },
    {
      name: "To",
      description: "To what.",
      value: (grant) =>
        grant.spec.to
          .map((each) => (each.name === undefined ? each.kind : `${each.kind}/${each.name}`))
          .join(","),
    },
  ],
});
