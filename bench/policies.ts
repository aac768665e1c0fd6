/**
 * Policy objects that no request of the bench is told by: other services, each with a route of its own at the same gateway, and
 * policies on those. Services and routes are there in any case, so that what differs is policies alone.
 */
import { serviceObjects } from "./peers/weft-doors.ts";

const otherServices = 250;
const expiresAt = "2099-01-01T00:00:00Z";
const gateway = "gateway.networking.k8s.io";

export function weftOthers(upstreamPort: number): object[] {
  return Array.from({ length: otherServices }, (_, index) => [
    ...serviceObjects(nameOf(index), { name: "main", port: 80, targetPort: upstreamPort }),
    {
      apiVersion: `${gateway}/v1`,
      kind: "HTTPRoute",
      metadata: metadata(index),
      spec: {
        parentRefs: [{ name: "bench" }],
        hostnames: [`${nameOf(index)}.bench.test`],
        rules: [{ backendRefs: [{ name: nameOf(index), port: 80 }] }],
      },
    },
  ]).flat();
}

/** In turn of each kind: both policies, on services and on routes. At most four for each of the other services. */
export function weftPolicies(count: number): object[] {
  if (count > kinds.length * otherServices)
    throw new Error(`${count} policies are more than there is room for`);
  return Array.from({ length: count }, (_, index) => {
    const other = Math.floor(index / kinds.length);
    const { kind, target, spec } = kinds[index % kinds.length] ?? kinds[0];
    return {
      apiVersion: "weft.dev/v1alpha1",
      kind,
      metadata: { name: `${nameOf(other)}-${target.kind.toLowerCase()}`, namespace: "default" },
      spec: { targetRefs: [{ ...target, name: nameOf(other) }], ...spec },
    };
  });
}

const service = { group: "", kind: "Service" };
const route = { group: gateway, kind: "HTTPRoute" };
/** Everything but health checks, which cost what they send. */
const kinds = [
  {
    kind: "TrafficPolicy",
    target: service,
    spec: {
      balancing: { algorithm: "RingHash", hash: [{ header: "x-user" }], slowStart: { window: "30s" } },
      connections: { maxConnections: 500, maxRequests: 1_000, maxLifetime: "1h" },
      outlierDetection: { consecutive5xx: 5, successRate: { deviation: "1.9" }, latency: { factor: "3.0" } },
      adaptiveConcurrency: { minimum: 4, maximum: 100 },
      retries: { attempts: 3, on: ["5xx", "reset"] },
    },
  },
  {
    kind: "TrafficPolicy",
    target: route,
    spec: {
      timeouts: { request: "10s", try: "2s" },
      hedging: { delay: "50ms", maxExtra: 1 },
      sessionPersistence: { sessionName: "session", type: "Cookie" },
    },
  },
  { kind: "FaultPolicy", target: service, spec: { faults: [{ percentage: 1, expiresAt, delay: "1s" }] } },
  {
    kind: "FaultPolicy",
    target: route,
    spec: { faults: [{ optInHeader: "x-fault", expiresAt, abort: { httpStatus: 503 } }] },
  },
] as const;

function nameOf(index: number): string {
  return `other-${index}`;
}

function metadata(index: number): { readonly name: string; readonly namespace: string } {
  return { name: nameOf(index), namespace: "default" };
}
