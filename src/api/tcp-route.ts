/** TCPRoute (Gateway API v1.6): which Service takes the connections of a Gateway's TCP listener. */
import Type from "typebox";
import { checkConnectionRules, connectionRulesSchema } from "./connection-route.ts";
import { dnsSubdomain } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { gatewayGroup } from "./references.ts";
import { checkParents, parentColumns, parentReferences, routeStatus } from "./route-parents.ts";
import { object, text } from "./schema.ts";

export const tcpRouteKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "TCPRoute",
  plural: "tcproutes",
  singular: "tcproute",
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description:
    "Which Service takes the connections of a Gateway's TCP listener, or of a TLS listener that ends TLS.",
  schema: object("Which Service takes the connections.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("TCPRoute"),
    metadata: namespacedMetadata(text("Name of the route.", dnsSubdomain)),
    spec: object("Parents and rules.", { parentRefs: parentReferences, rules: connectionRulesSchema }),
    status: routeStatus,
  }),
  columns: [...parentColumns],
  check: ({ spec }) => [...checkParents(spec.parentRefs ?? []), ...checkConnectionRules(spec.rules)],
});
