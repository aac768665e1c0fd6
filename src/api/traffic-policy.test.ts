/** What a TrafficPolicy may say, of what, and what is refused where. */
import { describe, expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

const service = { kind: "Service", name: "web" };

function policy(spec: object, targetRefs: readonly object[] = [service], namespace = "shop"): unknown {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "TrafficPolicy",
    metadata: { name: "p", namespace },
    spec: { targetRefs, ...spec },
  };
}

const timeouts = { timeouts: { request: "1s" } };

test("everything that can be said is valid at once, and nothing is added to it", () => {
  const spec = {
    targetRefs: [{ group: "", kind: "Service", name: "web", sectionName: "http" }],
    balancing: {
      algorithm: "Maglev",
      hash: [
        { header: "x-user" },
        { cookie: { name: "user", path: "/", maxAge: "24h" } },
        { queryParameter: "user" },
        { sourceIdentity: true },
        { sourceAddress: true },
      ],
      tableSize: 65_537,
      slowStart: { window: "30s", minimumPercent: 10, aggression: "1.5" },
      panicPercent: 50,
    },
    locality: { preferSameZone: true, minFitPercent: 70, failover: [{ from: "eu-west", to: ["eu-north"] }] },
    sessionPersistence: {
      sessionName: "session",
      type: "Cookie",
      absoluteTimeout: "24h",
      idleTimeout: "1h",
      cookieConfig: { lifetimeType: "Permanent" },
    },
    connections: {
      connectTimeout: "1s",
      idleTimeout: "1m",
      maxConnections: 100,
      maxConnectionsPerEndpoint: 10,
      maxPendingRequests: 50,
      maxRequests: 1_000,
      maxRequestsPerConnection: 0,
      maxLifetime: "1h",
      keepAlive: { idle: "1m", interval: "10s" },
      tcpIdleTimeout: "2h",
    },
    timeouts: { request: "10s", try: "2s", streamIdle: "0s" },
    retries: {
      attempts: 3,
      on: ["connect-failure", "reset", "try-timeout", "5xx", "gateway-error", 429],
      grpcOn: ["unavailable", "resource-exhausted"],
      backoff: { base: "25ms", max: "250ms" },
      maxBodyBytes: 0,
      maxRetryAfter: "10s",
      unsafeMethods: false,
      budget: { percent: 20, minPerSecond: 10 },
    },
    hedging: { delay: "50ms", maxExtra: 1 },
    outlierDetection: {
      consecutive5xx: 5,
      consecutiveGatewayErrors: 0,
      consecutiveLocalFailures: 5,
      interval: "10s",
      baseEjection: "30s",
      maxEjection: "5m",
      maxEjectedPercent: 10,
      successRate: { deviation: "1.9", minimumRequests: 100, minimumEndpoints: 5 },
      latency: { factor: "3.0" },
    },
    healthCheck: {
      http: { path: "/healthz", host: "web.example.com", statuses: [200, 204] },
      interval: "10s",
      timeout: "1s",
      healthyThreshold: 2,
      unhealthyThreshold: 3,
    },
    adaptiveConcurrency: { minimum: 4, maximum: 100, tolerancePercent: 50, priorityHeader: "x-priority" },
  };
  const { targetRefs, ...rest } = spec;
  const parsed: unknown = parsedAs("TrafficPolicy", policy(rest, targetRefs)).spec;
  expect(parsed).toEqual(spec);
});

describe("targets", () => {
  const issues = (targetRefs: readonly object[], namespace?: string): string[] =>
    issuesOf(policy(timeouts, targetRefs, namespace));

  test.each([
    [{ kind: "Namespace", name: "shop" }],
    [{ group: "", kind: "Service", name: "web", sectionName: "http" }],
    [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "r", sectionName: "canary" }],
    [{ kind: "GRPCRoute", name: "r" }],
  ])("%j is one", (target) => {
    expect(issues([target])).toEqual([]);
  });

  test("the mesh is one in the control plane's namespace only", () => {
    const mesh = { group: "weft.dev", kind: "MeshConfig", name: "mesh" };
    expect(issues([mesh], "weft-system")).toEqual([]);
    expect(issues([mesh])).toEqual([
      "spec.targetRefs[0].kind: a policy for the whole mesh must be in namespace weft-system",
    ]);
    expect(issues([{ ...mesh, name: "other" }], "weft-system")).toEqual([
      "spec.targetRefs[0].name: must be mesh",
    ]);
  });

  test.each([
    [[], "spec.targetRefs: must have at least 1 item"],
    [
      [{ kind: "Gateway", name: "g" }],
      "spec.targetRefs[0].kind: must be one of MeshConfig, Namespace, Service, ExternalService, HTTPRoute, GRPCRoute",
    ],
    [
      [{ kind: "HTTPRoute", group: "", name: "r" }],
      'spec.targetRefs[0].group: must be "gateway.networking.k8s.io" for HTTPRoute, or absent',
    ],
    [
      [{ kind: "Namespace", name: "other" }],
      "spec.targetRefs[0].name: must be the policy's own namespace, shop",
    ],
    [
      [{ kind: "Namespace", name: "shop", sectionName: "x" }],
      "spec.targetRefs[0].sectionName: must be absent; a Namespace has no sections",
    ],
    [[service, service], "spec.targetRefs[1]: the target is listed twice"],
    [
      [service, { ...service, sectionName: "http" }],
      "spec.targetRefs[1].sectionName: must be given in every reference to a target that is listed twice",
    ],
    [
      [
        { ...service, sectionName: "http" },
        { ...service, sectionName: "http" },
      ],
      "spec.targetRefs[1].sectionName: the section is listed twice",
    ],
  ])("%j are refused", (targetRefs, issue) => {
    expect(issues(targetRefs)).toEqual([issue]);
  });

  test("a route has no endpoints to balance over and no budget", () => {
    const spec = { ...timeouts, balancing: { panicPercent: 1 }, retries: { budget: { percent: 1 } } };
    const found = issuesOf(policy(spec, [service, { kind: "HTTPRoute", name: "r" }]));
    expect(found).toEqual([
      "spec.balancing: has no meaning for HTTPRoute r (spec.targetRefs[1]); endpoints belong to Services: aim it at a Service, the Namespace or the mesh",
      "spec.retries.budget: has no meaning for HTTPRoute r (spec.targetRefs[1]); a budget belongs to a Service",
    ]);
  });
});

describe("what is refused", () => {
  test.each([
    [{}, "spec: says nothing; it needs one of balancing, locality,"],
    [
      { balancing: { algorithm: "RingHash", hash: [{ header: "a", sourceAddress: true }] } },
      "spec.balancing.hash[0]: must have exactly one of",
    ],
    [
      { balancing: { hash: [{ sourceAddress: false }] } },
      "spec.balancing.hash[0].sourceAddress: must be true or absent",
    ],
    [
      { balancing: { algorithm: "PeakEwma", hash: [{ header: "a" }] } },
      "spec.balancing.hash: has no meaning with algorithm PeakEwma; it needs RingHash or Maglev",
    ],
    [
      { balancing: { algorithm: "Maglev", ringSize: 1024 } },
      "spec.balancing.ringSize: has no meaning with algorithm Maglev; it needs RingHash",
    ],
    [{ balancing: { tableSize: 65_536 } }, "spec.balancing.tableSize: must be a prime, such as 65537"],
    [{ balancing: { tableSize: 1_048_575 } }, "spec.balancing.tableSize: must be a prime, such as 1048573"],
    [{ balancing: { panicPercent: 101 } }, "spec.balancing.panicPercent: must be 100 or less"],
    [
      { balancing: { slowStart: { window: "2h" } } },
      "spec.balancing.slowStart.window: must be 1s to 1h, or 0s: off",
    ],
    [
      { balancing: { slowStart: { aggression: "0.01" } } },
      "spec.balancing.slowStart.aggression: must be 0.1 to 10",
    ],
    [
      { balancing: { slowStart: { aggression: 1 } } },
      "spec.balancing.slowStart.aggression: must be text (in quotes",
    ],
    [
      { locality: { failover: [{ from: "a", to: ["a"] }] } },
      "spec.locality.failover[0].to: a cannot take over from itself",
    ],
    [
      { locality: { preferSameZone: true, weights: [{ from: "*", to: "a", weight: 1 }] } },
      "spec.locality.preferSameZone: has no meaning beside weights",
    ],
    [
      { locality: { weights: [{ from: "*", to: "a/b", weight: 0 }] } },
      "spec.locality.weights: all weights from * are 0",
    ],
    [
      { sessionPersistence: { type: "Header", cookieConfig: {} } },
      "spec.sessionPersistence.cookieConfig: can only be set with type Cookie",
    ],
    [
      { sessionPersistence: { cookieConfig: { lifetimeType: "Permanent" } } },
      "spec.sessionPersistence.absoluteTimeout: must be specified when cookie lifetimeType is Permanent",
    ],
    [
      { connections: { maxConnections: 1, maxConnectionsPerEndpoint: 2 } },
      "spec.connections.maxConnectionsPerEndpoint: cannot be more than maxConnections",
    ],
    [
      { timeouts: { request: "1s", try: "2s" } },
      "spec.timeouts.try: cannot be longer than the request timeout",
    ],
    [{ timeouts: { request: "800h" } }, "spec.timeouts.request: must be 1ms to 720h, or 0s: none"],
    [{ retries: { attempts: 11 } }, "spec.retries.attempts: must be 10 or less"],
    [
      { retries: { on: ["never"] } },
      "spec.retries.on[0]: must be one of connect-failure, reset, try-timeout, 5xx, gateway-error, or a status from 400 to 599",
    ],
    [{ retries: { on: [200] } }, "spec.retries.on[0]: must be one of connect-failure"],
    [
      { retries: { backoff: { base: "2s", max: "1s" } } },
      "spec.retries.backoff.base: cannot be longer than backoff.max",
    ],
    [
      { outlierDetection: { baseEjection: "2m", maxEjection: "1m" } },
      "spec.outlierDetection.baseEjection: cannot be longer than maxEjection",
    ],
    [
      { outlierDetection: { latency: { factor: "1.0" } } },
      "spec.outlierDetection.latency.factor: must be 1.1 to 1000, or 0: not looked at",
    ],
    [{ healthCheck: { interval: "1s" } }, "spec.healthCheck: must have exactly one of http, grpc, tcp"],
    [{ healthCheck: { tcp: {}, grpc: {} } }, "spec.healthCheck: must have exactly one of http, grpc, tcp"],
    [
      { healthCheck: { tcp: {}, interval: "1s", timeout: "2s" } },
      "spec.healthCheck.timeout: cannot be longer than interval",
    ],
    [
      { healthCheck: { http: { path: "healthz" } } },
      "spec.healthCheck.http.path: must be an absolute path such as /healthz",
    ],
    [
      { adaptiveConcurrency: { minimum: 5, maximum: 4 } },
      "spec.adaptiveConcurrency.minimum: cannot be more than maximum",
    ],
  ])("%j", (spec, issue) => {
    const found = issuesOf(policy(spec));
    expect(found).toHaveLength(1);
    expect(found[0]).toStartWith(issue);
  });
});
