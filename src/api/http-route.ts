/** HTTPRoute (Gateway API v1.6): rules that say which backend takes which HTTP request. Its parent is a Service (mesh) or a Gateway (edge). */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { parseDurationMs } from "./duration.ts";
import { dnsSubdomain, duration, hostname } from "./formats.ts";
import {
  checkFilters,
  filtersSchema,
  type HttpRouteFilter,
  prefixRewriteField,
} from "./http-route-filter.ts";
import { checkMatch, matchesSchema } from "./http-route-match.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { backendFields, checkBackendPort, gatewayGroup, weightField } from "./references.ts";
import { checkParents, parentColumns, parentReferences, routeStatus } from "./route-parents.ts";
import { checkRuleNames } from "./rule-names.ts";
import { integer, list, object, optional, text, type ValueOf } from "./schema.ts";
import { checkSessionPersistence, sessionPersistenceSchema } from "./session-persistence.ts";

/** Gateway API's bounds. */
const maxHostnames = 16;
const maxRules = 16;
const maxBackends = 16;
const maxMatchesOfRoute = 128;
/** Gateway API has none: every status of errors, and as many tries as a TrafficPolicy may ask for. */
const maxRetryCodes = 200;
const maxRetryAttempts = 10;

const backendSchema = object("A Service that takes a share of the requests.", {
  ...backendFields,
  weight: weightField,
  filters: optional(filtersSchema),
});

const ruleSchema = object("Which requests go where.", {
  name: optional(text("Name of the rule, for status, logs and metrics.", dnsSubdomain)),
  matches: matchesSchema,
  filters: optional(filtersSchema),
  backendRefs: optional(
    list("Who takes the requests; without any the answer is 500.", backendSchema, { max: maxBackends }),
  ),
  timeouts: optional(
    object("Bounds in time; 0s is none.", {
      request: optional(
        text("From the request's arrival to the end of the response, retries included.", duration),
      ),
      backendRequest: optional(text("Of one try at one backend.", duration)),
    }),
  ),
  retry: optional(
    object("When a request is tried again; what is absent is left to TrafficPolicies.", {
      codes: optional(
        list("Statuses that are tried again.", integer("A status.", 400, 599), {
          max: maxRetryCodes,
          unique: true,
        }),
      ),
      attempts: optional(integer("Retries beside the first try.", 1, maxRetryAttempts)),
      backoff: optional(text("The least that a retry waits.", duration)),
    }),
  ),
  sessionPersistence: optional(sessionPersistenceSchema),
});
type HttpRouteRule = ValueOf<typeof ruleSchema>;

export const httpRouteKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "HTTPRoute",
  plural: "httproutes",
  singular: "httproute",
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description:
    "Which backend takes which HTTP request, for what is dialled at a Service or enters through a Gateway.",
  schema: object("Which backend takes which HTTP request.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("HTTPRoute"),
    metadata: namespacedMetadata(text("Name of the route.", dnsSubdomain)),
    spec: object("Parents and rules.", {
      parentRefs: parentReferences,
      hostnames: optional(
        list("Only requests for these hosts. Ignored under a Service.", text("A host name.", hostname), {
          max: maxHostnames,
        }),
      ),
      rules: list("The most specific match of all rules wins.", ruleSchema, {
        min: 1,
        max: maxRules,
        default: [{}],
      }),
    }),
    status: routeStatus,
  }),
  columns: [
    { name: "Hostnames", description: "Hosts.", value: (route) => route.spec.hostnames?.join(",") ?? "" },
    ...parentColumns,
  ],
  check({ spec }) {
    const issues = checkParents(spec.parentRefs ?? []);
    for (const [index, rule] of spec.rules.entries()) issues.push(...checkRule(rule, `spec.rules[${index}]`));
    issues.push(...checkRuleNames(spec.rules));
    if (spec.rules.reduce((sum, rule) => sum + rule.matches.length, 0) > maxMatchesOfRoute) {
      issues.push({
        path: "spec.rules",
        message: `must not have more than ${maxMatchesOfRoute} matches in all rules together`,
      });
    }
    return issues;
  },
});

function checkRule(rule: HttpRouteRule, path: string): Issue[] {
  const issues: Issue[] = [];
  for (const [index, match] of rule.matches.entries())
    issues.push(...checkMatch(match, `${path}.matches[${index}]`));
  issues.push(...checkFilters(rule.filters ?? [], `${path}.filters`));
  const isRedirect = rule.filters?.some((filter) => filter.requestRedirect !== undefined) ?? false;
  if (isRedirect && (rule.backendRefs?.length ?? 0) > 0) {
    issues.push({
      path: `${path}.backendRefs`,
      message: "RequestRedirect filter must not be used together with backendRefs",
    });
  }
  issues.push(...checkSessionPersistence(rule.sessionPersistence, `${path}.sessionPersistence`));
  issues.push(...checkPrefixRewrites(rule.filters ?? [], rule, `${path}.filters`));
  for (const [index, backend] of (rule.backendRefs ?? []).entries()) {
    const at = `${path}.backendRefs[${index}]`;
    issues.push(...checkBackendPort(backend, at), ...checkFilters(backend.filters ?? [], `${at}.filters`));
    issues.push(...checkPrefixRewrites(backend.filters ?? [], rule, `${at}.filters`));
  }
  const request = parseDurationMs(rule.timeouts?.request ?? "0s") ?? 0;
  const backendRequest = parseDurationMs(rule.timeouts?.backendRequest ?? "0s") ?? 0;
  if (request !== 0 && backendRequest > request) {
    issues.push({
      path: `${path}.timeouts.backendRequest`,
      message: "cannot be longer than the request timeout",
    });
  }
  return issues;
}

function checkPrefixRewrites(
  filters: readonly HttpRouteFilter[],
  rule: HttpRouteRule,
  path: string,
): Issue[] {
  const [match, ...more] = rule.matches;
  if (match?.path.type === "PathPrefix" && more.length === 0) return [];
  return filters.flatMap((filter, index) => {
    const field = prefixRewriteField(filter);
    const message = "replacePrefixMatch needs exactly one match in the rule, of type PathPrefix";
    return field === undefined ? [] : [{ path: `${path}[${index}].${field}.path`, message }];
  });
}
