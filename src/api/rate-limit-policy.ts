/** RateLimitPolicy: how many requests may come in a time. All limits of all policies that apply must have room. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { accessFields, checkAccess, checkPartNames, partName } from "./access-rules.ts";
import { dnsSubdomain, headerName, type TextFormat } from "./formats.ts";
import { claimPathSchema } from "./jwt-providers.ts";
import { defineKind } from "./kind-definition.ts";
import { checkMeasures, timeSpan } from "./measures.ts";
import { namespacedMetadata } from "./metadata.ts";
import { policyColumns, policyStatus } from "./policy-status.ts";
import { backendReferenceSchema, checkBackendPort } from "./references.ts";
import { pattern } from "./request-patterns.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { checkSecurityTargets, securityTargetFields } from "./security-targets.ts";

/** Every request is counted against each of them. */
const maxLimits = 32;
const maxKeys = 8;
const maxOverrides = 256;
const maxRequests = 1_000_000_000;
/** A bucket costs a proxy about 200 bytes. */
const maxBuckets = 1_000_000;

const keyName: TextFormat = {
  min: 1,
  max: 128,
  pattern: "^[A-Za-z0-9_.-]+$",
  expected: "letters, digits, '_', '.' and '-', such as user",
};

const keySchema = object("What tells buckets apart. Exactly one of the fields beside name.", {
  name: optional(
    text("Of the descriptor's entry where a service decides; the field's own where absent.", keyName),
  ),
  sourceIdentity: optional(flag("The caller's identity. Only true.")),
  sourceNamespace: optional(flag("The caller's namespace. Only true.")),
  sourceAddress: optional(flag("The address of the connection's peer. Only true.")),
  remoteAddress: optional(flag("The client's address as trusted proxies tell it. Only true.")),
  header: optional(text("A header's value.", headerName)),
  path: optional(flag("The path. Only true.")),
  method: optional(flag("The method. Only true.")),
  host: optional(flag("The host. Only true.")),
  claim: optional(claimPathSchema),
  constant: optional(text("This text.", { min: 1, max: 1024 })),
});
type Key = ValueOf<typeof keySchema>;
export type RateLimitKeyField = Exclude<keyof Key, "name">;

const rateFields = {
  requests: optional(integer("So many requests in each period.", 1, maxRequests)),
  period: optional(timeSpan("The period; default 1s.", { min: "10ms", max: "24h" })),
  burst: optional(integer("So many at once; as many as requests where absent.", 1, maxRequests)),
};

const limitSchema = object("A limit.", {
  name: optional(text("What logs, counters and headers call it.", partName)),
  match: optional(object("Which requests count; all where absent.", accessFields)),
  keys: optional(
    list(
      "Each distinct tuple of their values has a limit of its own. A request that lacks one is not counted.",
      keySchema,
      { min: 1, max: maxKeys },
    ),
  ),
  ...rateFields,
  overrides: optional(
    list(
      "Other limits for some tuples; the first that fits.",
      object("Another limit.", {
        values: list("Patterns of the keys' values, in their order.", text("A pattern.", pattern), {
          min: 1,
          max: maxKeys,
        }),
        ...rateFields,
        unlimited: optional(flag("No limit at all. Only true.")),
      }),
      { min: 1, max: maxOverrides },
    ),
  ),
  scope: oneOf(
    "Local: each proxy counts for itself. Global: all together, over the Redis of MeshConfig. Service: a rate limit service decides.",
    ["Local", "Global", "Service"],
    { default: "Local" },
  ),
  mode: oneOf("DryRun: what it would refuse is logged and counted, and goes on.", ["Enforce", "DryRun"], {
    default: "Enforce",
  }),
  headers: oneOf("Whether answers carry RateLimit headers.", ["Show", "Hide"], { default: "Show" }),
  maxBuckets: optional(
    integer("Tuples that one proxy keeps; beyond, the one unused longest goes.", 1, maxBuckets),
  ),
});
type Limit = ValueOf<typeof limitSchema>;

const specSchema = object("Targets, and their limits.", {
  ...securityTargetFields,
  limits: list("All of them must have room.", limitSchema, { min: 1, max: maxLimits }),
  service: optional(
    object("For scope Service: who decides (Envoy's rate limit protocol).", {
      backendRef: backendReferenceSchema,
      domain: text("Domain of the questions.", { min: 1, max: 256 }),
      timeout: timeSpan("How long an answer is waited for.", { min: "1ms", max: "10s" }, { default: "50ms" }),
      failClosed: flag("Without an answer the request is refused; else it goes on.", { default: false }),
    }),
  ),
});
type RateLimitSpec = ValueOf<typeof specSchema>;

export const rateLimitPolicyKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "RateLimitPolicy",
  plural: "ratelimitpolicies",
  singular: "ratelimitpolicy",
  shortNames: ["rlp"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "How many requests may come in a time: by caller, header, path, address or claim, in each proxy or in all together. All limits of all levels hold.",
  schema: object("How many requests may come in a time.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("RateLimitPolicy"),
    metadata: namespacedMetadata(text("Name of the policy.", dnsSubdomain)),
    spec: specSchema,
    status: policyStatus,
  }),
  columns: [
    {
      name: "Limits",
      description: "How many there are.",
      value: ({ spec }) => String(spec.limits.length),
    },
    ...policyColumns,
  ],
  check({ spec, metadata }) {
    return [
      ...checkSecurityTargets(spec, metadata.namespace),
      ...checkPartNames(spec.limits, "spec.limits"),
      ...checkMeasures(specSchema, spec, "spec"),
      ...spec.limits.flatMap((limit, index) => checkLimit(limit, `spec.limits[${index}]`)),
      ...checkService(spec),
    ];
  },
});

function checkService({ service, limits }: RateLimitSpec): Issue[] {
  const isAsked = limits.some(({ scope }) => scope === "Service");
  if (service === undefined) {
    return isAsked ? [{ path: "spec.service", message: "is required where a limit has scope Service" }] : [];
  }
  return [
    ...(isAsked ? [] : [{ path: "spec.service", message: "has no meaning: no limit has scope Service" }]),
    ...checkBackendPort(service.backendRef, "spec.service.backendRef"),
  ];
}

function checkLimit(limit: Limit, path: string): Issue[] {
  const { match, keys = [], overrides = [], scope, requests } = limit;
  const issues = match === undefined ? [] : checkAccess(match, `${path}.match`);
  if (scope === "Service") {
    for (const field of ["requests", "period", "burst", "overrides", "maxBuckets"] as const) {
      if (limit[field] !== undefined)
        issues.push({ path: `${path}.${field}`, message: "has no meaning where a service decides" });
    }
    if (keys.length === 0)
      issues.push({ path: `${path}.keys`, message: "is required: the service is asked about them" });
  } else if (requests === undefined) {
    issues.push({ path: `${path}.requests`, message: "is required" });
  }
  for (const [index, key] of keys.entries()) issues.push(...checkKey(key, `${path}.keys[${index}]`));
  for (const [index, { values, unlimited, ...rate }] of overrides.entries()) {
    const at = `${path}.overrides[${index}]`;
    if (values.length !== keys.length)
      issues.push({ path: `${at}.values`, message: `must have a value for each of the ${keys.length} keys` });
    if (unlimited === false) issues.push({ path: `${at}.unlimited`, message: "must be true or absent" });
    if ((unlimited === true) === (rate.requests !== undefined))
      issues.push({ path: at, message: "must have exactly one of requests, unlimited" });
  }
  return issues;
}

function checkKey(key: Key, path: string): Issue[] {
  const given = Object.entries(key).filter(([field]) => field !== "name");
  if (given.length !== 1) {
    const names = Object.keys(keySchema.properties).filter((name) => name !== "name");
    return [{ path, message: `must have exactly one of ${names.join(", ")}` }];
  }
  return given.flatMap(([field, value]) =>
    value === false ? [{ path: `${path}.${field}`, message: "must be true" }] : [],
  );
}
