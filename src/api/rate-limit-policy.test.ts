/** What a RateLimitPolicy may say, and what is refused when it is written; and MeshConfig's part of it. */
import { expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

const web = { targetRefs: [{ kind: "Service", name: "web" }] };
const service = { backendRef: { name: "limits", port: 8081 }, domain: "shop" };

function policy(limit: object, rest: object = {}): unknown {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "RateLimitPolicy",
    metadata: { name: "p", namespace: "shop" },
    spec: { ...web, limits: [limit], ...rest },
  };
}

test("a limit is local, enforced and shown unless it says otherwise", () => {
  const { limits } = parsedAs("RateLimitPolicy", policy({ requests: 10 })).spec;
  expect(limits[0]).toEqual({ requests: 10, scope: "Local", mode: "Enforce", headers: "Show" });
});

test("a limit with everything is valid", () => {
  const limit = {
    name: "by-user",
    match: { to: [{ methods: ["POST"] }], when: ["request.hour > 7"] },
    keys: [{ header: "x-user", name: "user" }, { sourceIdentity: true }, { claim: ["realm", "id"] }],
    requests: 10,
    period: "1m",
    burst: 20,
    overrides: [
      { values: ["vip-*", "*", "*"], requests: 100, period: "1m" },
      { values: ["root", "*", "*"], unlimited: true },
    ],
    scope: "Global",
    mode: "DryRun",
    headers: "Hide",
    maxBuckets: 100,
  };
  expect(issuesOf(policy(limit))).toEqual([]);
});

test.each<[object, object, string]>([
  [{}, {}, "spec.limits[0].requests: is required"],
  [{ requests: 0 }, {}, "spec.limits[0].requests: must be"],
  [{ requests: 1, period: "1ms" }, {}, "spec.limits[0].period: must be"],
  [{ requests: 1, keys: [{}] }, {}, "spec.limits[0].keys[0]: must have exactly one of sourceIdentity"],
  [
    { requests: 1, keys: [{ header: "a", path: true }] },
    {},
    "spec.limits[0].keys[0]: must have exactly one of",
  ],
  [{ requests: 1, keys: [{ path: false }] }, {}, "spec.limits[0].keys[0].path: must be true"],
  [
    { requests: 1, keys: [{ path: true }], overrides: [{ values: ["a", "b"], requests: 2 }] },
    {},
    "spec.limits[0].overrides[0].values: must have a value for each of the 1 keys",
  ],
  [
    { requests: 1, keys: [{ path: true }], overrides: [{ values: ["a"] }] },
    {},
    "spec.limits[0].overrides[0]: must have exactly one of requests, unlimited",
  ],
  [{ requests: 1, match: { from: [{}] } }, {}, "spec.limits[0].match.from[0]: says nothing"],
  [
    { scope: "Service", keys: [{ path: true }] },
    {},
    "spec.service: is required where a limit has scope Service",
  ],
  [{ scope: "Service" }, { service }, "spec.limits[0].keys: is required"],
  [
    { scope: "Service", keys: [{ path: true }], requests: 1 },
    { service },
    "spec.limits[0].requests: has no meaning where a service decides",
  ],
  [{ requests: 1 }, { service }, "spec.service: has no meaning: no limit has scope Service"],
])("%j %j: %s", (limit, rest, expected) => {
  expect(issuesOf(policy(limit, rest)).join("\n")).toContain(expected);
});

function mesh(spec: object): unknown {
  return { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" }, spec };
}

test("the mesh's defaults: what nobody speaks of is allowed, levels tighten, TLS 1.3", () => {
  expect(parsedAs("MeshConfig", mesh({})).spec).toMatchObject({
    security: {
      defaultAuthorization: "Allow",
      authorizationLevels: "Tighten",
      namespacesMayLoosen: false,
      trustDomainAliases: [],
      explainDenials: false,
      trustedHops: 0,
      minPeerTls: "1.3",
    },
    rateLimits: {},
  });
});

test("a Redis lies in the mesh's namespace unless it says otherwise", () => {
  const redis = { backendRef: { name: "redis", port: 6379 }, secretRef: { name: "redis" } };
  expect(parsedAs("MeshConfig", mesh({ rateLimits: { redis } })).spec.rateLimits.redis).toMatchObject({
    backendRef: { namespace: "weft-system", port: 6379 },
    secretRef: { namespace: "weft-system" },
    database: 0,
    timeout: "100ms",
    keyPrefix: "weft:",
  });
});

test.each<[object, string]>([
  [{ security: { minPeerTls: "1.1" } }, "spec.security.minPeerTls: must be one of"],
  [
    { security: { trustDomainAliases: ["Old"] } },
    "spec.security.trustDomainAliases[0]: must be a trust domain",
  ],
  [
    { rateLimits: { redis: { backendRef: { name: "r" } } } },
    "spec.rateLimits.redis.backendRef.port: is required",
  ],
  [
    { rateLimits: { redis: { backendRef: { name: "r", port: 1 }, timeout: "1m" } } },
    "spec.rateLimits.redis.timeout: must be",
  ],
])("%j: %s", (spec, expected) => {
  expect(issuesOf(mesh(spec)).join("\n")).toContain(expected);
});
