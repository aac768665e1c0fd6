/** Changes of everything that a request of `RollingMesh` meets, none of which gives it a reason to fail. */
import type { ApiClient } from "../../../src/client/index.ts";
import { gatewayRoute, httpPort, splitRoute } from "./resources.ts";
import { plainEndpoints } from "./rolling-mesh.ts";

type Transaction = Parameters<ApiClient["transact"]>[0];

const group = "gateway.networking.k8s.io";
const far = "2099-01-01T00:00:00Z";

/** Every section of a TrafficPolicy, most of them in several forms; the generous bounds are not reached. */
const poolSections: readonly object[] = [
  { connections: { maxConnectionsPerEndpoint: 200, maxPendingRequests: 1_000 } },
  { balancing: { algorithm: "RingHash", hash: [{ sourceAddress: true }] } },
  { connections: { maxRequestsPerConnection: 7 } },
  { outlierDetection: { consecutive5xx: 5, interval: "1s", latency: { factor: "3.0" } } },
  { connections: { connectTimeout: "9s", idleTimeout: "1s" } },
  { balancing: { algorithm: "LeastRequest", slowStart: { window: "5s" } } },
  { healthCheck: { http: { path: "/" }, interval: "1s", timeout: "1s", unhealthyThreshold: 10 } },
  { connections: { maxLifetime: "1s" } },
  { adaptiveConcurrency: { minimum: 200, maximum: 500 } },
  { balancing: { algorithm: "Maglev", hash: [{ header: "x-user" }] } },
  { connections: { maxConnections: 400, maxRequests: 2_000 } },
  { locality: { preferSameZone: false } },
  { balancing: { algorithm: "RoundRobin", panicPercent: 0 } },
  { connections: { keepAlive: { idle: "1m", interval: "10s" } } },
  { balancing: { algorithm: "Random" } },
];
const requestSections: readonly object[] = [
  { retries: { attempts: 0 } },
  { timeouts: { request: "20s", try: "15s", streamIdle: "10s" } },
  { hedging: { delay: "5s", maxExtra: 1 } },
  { sessionPersistence: { sessionName: "churn", type: "Cookie" } },
  { retries: { attempts: 3, on: ["connect-failure", "5xx"], budget: { percent: 50 } } },
  { timeouts: { request: "0s" } },
];
const routeSections: readonly object[] = [
  { retries: { attempts: 1, on: ["reset"], maxBodyBytes: 0 } },
  { timeouts: { request: "25s" } },
  { hedging: { delay: "6s", maxExtra: 2 } },
  { sessionPersistence: { sessionName: "churn-route", type: "Header" } },
];
const filters: readonly (readonly object[])[] = [
  [{ type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-marker", value: "a" }] } }],
  [{ type: "ResponseHeaderModifier", responseHeaderModifier: { add: [{ name: "x-more", value: "b" }] } }],
  [{ type: "RequestMirror", requestMirror: { backendRef: { name: "plain", port: httpPort } } }],
  [
    {
      type: "URLRewrite",
      urlRewrite: {
        hostname: "web.example",
        path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/moved" },
      },
    },
  ],
  [],
];

/** The `n`th change. Which comes when is fixed, and no two that follow one another are of one kind. */
export function nthChange(n: number): Transaction {
  const round = Math.floor(n / kinds.length);
  return { message: `change ${n}`, objects: [], ...kinds[n % kinds.length]?.(round) };
}

const kinds: readonly ((round: number) => Transaction)[] = [
  (round) => ({ objects: routes(round, []) }),
  (round) => ({
    objects: [policy("service", { kind: "Service", name: "web-a" }, pick(poolSections, round))],
  }),
  (round) => ({ objects: [plainEndpoints(1 + ((round * 3) % 4))] }),
  (round) => ({
    objects: [policy("route", { group, kind: "HTTPRoute", name: "door" }, pick(routeSections, round))],
  }),
  (round) => ({ objects: routes(round + 1, pick(filters, round)) }),
  (round) => ({
    objects: [
      policy("mesh", meshTarget, pick(round % 2 === 0 ? poolSections : requestSections, round >> 1)),
      policy("plain", { kind: "Service", name: "plain" }, pick(poolSections, round + 7)),
    ],
  }),
  (round) => ({ objects: [fault(round)] }),
  (round) => ({
    objects: [policy("namespace", { kind: "Namespace", name: "default" }, pick(requestSections, round))],
  }),
  (round) =>
    round % 3 === 2
      ? { deletions: [{ kind: "TrafficPolicy", namespace: "default", name: "services" }] }
      : { objects: [both(pick(poolSections, round + 3))] },
];

const meshTarget = { group: "weft.dev", kind: "MeshConfig", name: "mesh" };

function pick<T>(list: readonly T[], index: number): T {
  const picked = list[index % list.length];
  if (picked === undefined) throw new Error("nothing to pick from");
  return picked;
}

/** Shares of the three services, and filters, on both ways. */
function routes(round: number, added: readonly object[]): object[] {
  const weights = {
    "web-a": 1 + ((round * 7) % 10),
    "web-b": 1 + ((round * 3) % 10),
    plain: (round * 5) % 4,
  };
  return [gatewayRoute(weights), splitRoute("web", weights)].map((route) => withFilters(route, added));
}

function withFilters(route: object, added: readonly object[]): object {
  if (added.length === 0 || !("spec" in route)) return route;
  const { spec } = route;
  if (typeof spec !== "object" || spec === null || !("rules" in spec) || !Array.isArray(spec.rules))
    return route;
  const rules: readonly object[] = spec.rules;
  return { ...route, spec: { ...spec, rules: rules.map((rule) => ({ ...rule, filters: added })) } };
}

function policy(name: string, targetRef: object, sections: object): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "TrafficPolicy",
    metadata: { name, namespace: name === "mesh" ? "weft-system" : "default" },
    spec: { targetRefs: [targetRef], ...sections },
  };
}

function both(sections: object): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "TrafficPolicy",
    metadata: { name: "services", namespace: "default" },
    spec: { targetRefs: ["web", "web-b"].map((name) => ({ kind: "Service", name })), ...sections },
  };
}

/** Trouble for requests that nobody sends. */
function fault(round: number): object {
  const never = { name: "x-never", value: "sent" };
  const faults = [
    { matches: [{ headers: [never] }], expiresAt: far, abort: { httpStatus: 503 } },
    { optInHeader: "x-never", expiresAt: far, reset: true },
    { percentage: 0, expiresAt: far, delay: "10s" },
  ];
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "FaultPolicy",
    metadata: { name: "never", namespace: "default" },
    spec: { targetRefs: [{ kind: "Service", name: pick(["web", "web-a", "plain"], round) }], faults },
  };
}
