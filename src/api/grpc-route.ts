/** GRPCRoute (Gateway API v1.6): rules that say which backend takes which gRPC call. Its parent is a Service (mesh) or a Gateway (edge). */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain, headerName, hostname, openHeaderValue } from "./formats.ts";
import { checkFilters, filtersSchema } from "./http-route-filter.ts";
import { repeatedNames } from "./http-route-match.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { backendFields, checkBackendPort, gatewayGroup, weightField } from "./references.ts";
import { checkParents, parentColumns, parentReferences, routeStatus } from "./route-parents.ts";
import { checkRuleNames } from "./rule-names.ts";
import { list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { checkSessionPersistence, sessionPersistenceSchema } from "./session-persistence.ts";

/** Gateway API's bounds. */
const maxHostnames = 16;
const maxRules = 16;
const maxBackends = 16;
const maxFilters = 16;
const maxMatches = 64;
const maxHeaders = 16;
const maxMatchesOfRoute = 128;

const methodMatchSchema = object("The method that is called; service, method or both.", {
  type: oneOf("How both are compared.", ["Exact", "RegularExpression"], { default: "Exact" }),
  service: optional(text("Full name of the service, package.Service.", { min: 0, max: 1024 })),
  method: optional(text("Name of the method.", { min: 0, max: 1024 })),
});

const matchSchema = object("All that is given must match.", {
  method: optional(methodMatchSchema),
  headers: optional(
    list(
      "All of them must match. Only the first entry counts for a header that is named twice.",
      object("A header and its value.", {
        type: oneOf("How value is compared.", ["Exact", "RegularExpression"], { default: "Exact" }),
        name: text("Name of the header.", headerName),
        value: text("The value, or a regular expression (RE2) that all of it must match.", openHeaderValue),
      }),
      { max: maxHeaders, keys: ["name"] },
    ),
  ),
});
type GrpcRouteMatch = ValueOf<typeof matchSchema>;

const { requestHeaderModifier, responseHeaderModifier, requestMirror, extensionRef } =
  filtersSchema.items.properties;

const grpcFiltersSchema = list(
  "Changes to call and answer.",
  object("A change to call or answer.", {
    type: oneOf("Which of the fields below is given.", [
      "ResponseHeaderModifier",
      "RequestHeaderModifier",
      "RequestMirror",
      "ExtensionRef",
    ]),
    requestHeaderModifier,
    responseHeaderModifier,
    requestMirror,
    extensionRef,
  }),
  { max: maxFilters },
);

const ruleSchema = object("Which calls go where.", {
  name: optional(text("Name of the rule, for status, logs and metrics.", dnsSubdomain)),
  matches: optional(
    list("The rule applies where one of them matches; to every call where absent.", matchSchema, {
      max: maxMatches,
    }),
  ),
  filters: optional(grpcFiltersSchema),
  backendRefs: optional(
    list(
      "Who takes the calls; without any the answer is UNAVAILABLE.",
      object("A Service that takes a share of the calls.", {
        ...backendFields,
        weight: weightField,
        filters: optional(grpcFiltersSchema),
      }),
      { max: maxBackends },
    ),
  ),
  sessionPersistence: optional(sessionPersistenceSchema),
});
type GrpcRouteRule = ValueOf<typeof ruleSchema>;

export const grpcRouteKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "GRPCRoute",
  plural: "grpcroutes",
  singular: "grpcroute",
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description:
    "Which backend takes which gRPC call, for what is dialled at a Service or enters through a Gateway.",
  schema: object("Which backend takes which gRPC call.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("GRPCRoute"),
    metadata: namespacedMetadata(text("Name of the route.", dnsSubdomain)),
    spec: object("Parents and rules.", {
      parentRefs: parentReferences,
      hostnames: optional(
        list("Only calls to these hosts. Ignored under a Service.", text("A host name.", hostname), {
          max: maxHostnames,
        }),
      ),
      rules: optional(
        list("The most specific match of all rules wins; without any, no call is taken.", ruleSchema, {
          max: maxRules,
        }),
      ),
    }),
    status: routeStatus,
  }),
  columns: [
    { name: "Hostnames", description: "Hosts.", value: (route) => route.spec.hostnames?.join(",") ?? "" },
    ...parentColumns,
  ],
  check({ spec }) {
    const rules = spec.rules ?? [];
    const issues = [...checkParents(spec.parentRefs ?? []), ...checkRuleNames(rules)];
    for (const [index, rule] of rules.entries()) issues.push(...checkRule(rule, `spec.rules[${index}]`));
    if (rules.reduce((sum, rule) => sum + (rule.matches?.length ?? 0), 0) > maxMatchesOfRoute) {
      issues.push({
        path: "spec.rules",
        message: `must not have more than ${maxMatchesOfRoute} matches in all rules together`,
      });
    }
    return issues;
  },
});

function checkRule(rule: GrpcRouteRule, path: string): Issue[] {
  const issues = checkFilters(rule.filters ?? [], `${path}.filters`);
  for (const [index, match] of (rule.matches ?? []).entries())
    issues.push(...checkMatch(match, `${path}.matches[${index}]`));
  for (const [index, backend] of (rule.backendRefs ?? []).entries()) {
    const at = `${path}.backendRefs[${index}]`;
    issues.push(...checkBackendPort(backend, at), ...checkFilters(backend.filters ?? [], `${at}.filters`));
  }
  issues.push(...checkSessionPersistence(rule.sessionPersistence, `${path}.sessionPersistence`));
  return issues;
}

const serviceName = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i;
const methodName = /^[a-z_][a-z_0-9]*$/i;

function checkMatch({ method, headers }: GrpcRouteMatch, path: string): Issue[] {
  const issues = repeatedNames(headers ?? [], `${path}.headers`, true);
  if (method === undefined) return issues;
  if (method.service === undefined && method.method === undefined) {
    issues.push({ path: `${path}.method`, message: "must name a service, a method or both" });
  }
  if (method.type !== "Exact") return issues;
  if (method.service !== undefined && !serviceName.test(method.service)) {
    issues.push({
      path: `${path}.method.service`,
      message: "must be the full name of a service such as shop.Cart",
    });
  }
  if (method.method !== undefined && !methodName.test(method.method)) {
    issues.push({ path: `${path}.method.method`, message: "must be a method's name such as AddItem" });
  }
  return issues;
}
