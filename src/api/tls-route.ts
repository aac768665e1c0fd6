/** TLSRoute (Gateway API v1.6): which Service takes the TLS connections for a server name. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import { checkConnectionRules, connectionRulesSchema } from "./connection-route.ts";
import { dnsSubdomain, hostname } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { gatewayGroup } from "./references.ts";
import { checkParents, parentColumns, parentReferences, routeStatus } from "./route-parents.ts";
import { list, object, text } from "./schema.ts";

/** Gateway API's bound. */
const maxHostnames = 1024;

export const tlsRouteKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "TLSRoute",
  plural: "tlsroutes",
  singular: "tlsroute",
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description:
    "Which Service takes the TLS connections for a server name (SNI). The Gateway's listener says whether TLS ends there or passes through.",
  schema: object("Which Service takes the TLS connections for a server name.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("TLSRoute"),
    metadata: namespacedMetadata(text("Name of the route.", dnsSubdomain)),
    spec: object("Parents, server names and rules.", {
      parentRefs: parentReferences,
      hostnames: list(
        "Server names that clients send; one without a server name is never taken.",
        text("A host name, or a wildcard such as *.example.com.", hostname),
        { min: 1, max: maxHostnames },
      ),
      rules: connectionRulesSchema,
    }),
    status: routeStatus,
  }),
  columns: [
    { name: "Hostnames", description: "Server names.", value: (route) => route.spec.hostnames.join(",") },
    ...parentColumns,
  ],
  check({ spec }) {
    const issues: Issue[] = checkParents(spec.parentRefs ?? []);
    for (const [index, name] of spec.hostnames.entries()) {
      if (canonicalIp(name) !== undefined) {
        issues.push({ path: `spec.hostnames[${index}]`, message: "must be a host name, not an IP address" });
      }
    }
    return [...issues, ...checkConnectionRules(spec.rules)];
  },
});
