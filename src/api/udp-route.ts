/** UDPRoute (Gateway API v1.6): which Service takes the datagrams of a Gateway's UDP listener. */
import Type from "typebox";
import { checkConnectionRules, connectionRulesSchema } from "./connection-route.ts";
import { dnsSubdomain } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { gatewayGroup } from "./references.ts";
import { checkParents, parentColumns, parentReferences, routeStatus } from "./route-parents.ts";
import { object, text } from "./schema.ts";

export const udpRouteKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "UDPRoute",
  plural: "udproutes",
  singular: "udproute",
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description:
    "Which Service takes the datagrams of a Gateway's UDP listener. Backends are ports of protocol UDP. Datagrams go to the endpoints themselves, unencrypted, also where these are workloads of the mesh.",
  schema: object("Which Service takes the datagrams.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("UDPRoute"),
    metadata: namespacedMetadata(text("Name of the route.", dnsSubdomain)),
    spec: object("Parents and rules.", { parentRefs: parentReferences, rules: connectionRulesSchema }),
    status: routeStatus,
  }),
  columns: [...parentColumns],
  check: ({ spec }) => [...checkParents(spec.parentRefs ?? []), ...checkConnectionRules(spec.rules)],
});
