/** A small random mesh and random changes to it. Names come from short lists, so that objects refer to each other often. */
import type { Stored } from "../../api/index.ts";
import { externals, externalService } from "./random-external.ts";
import { meshSecurity, securityPolicy } from "./random-security.ts";
import { telemetryPolicy, telemetrySettings } from "./random-telemetry.ts";
import { shopPair, starPair } from "./certificates.ts";
import { stored } from "./objects.ts";

export type Random = () => number;

/** mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

export const namespaces = ["red", "blue"] as const;
export const services = ["a", "b", "c"] as const;
export const workloads = ["w1", "w2", "w3", "w4"] as const;
export const secrets = ["s1", "s2"] as const;
const routes = ["r1", "r2", "r3", "r4"] as const;
const ports = [80, 81] as const;
const apps = ["x", "y"] as const;
const hostnames = ["shop.example.com", "*.example.com", "other.org"] as const;

/** A new state of a random object, or the key of one that goes. */
export function randomChange(random: Random, generation: number): { object: Stored; isRemoved: boolean } {
  const object = stored(randomObject(random), generation);
  return { object, isRemoved: random() < 0.25 };
}

function randomObject(random: Random): unknown {
  const namespace = pick(random, namespaces);
  const kind = random();
  if (kind < 0.2) return service(random, namespace);
  if (kind < 0.36) return workload(random, namespace);
  if (kind < 0.41) return externalService(random, namespace);
  if (kind < 0.44) return listenerSet(random, namespace);
  if (kind < 0.46) return configMap(random, namespace);
  if (kind < 0.58) return route(random, namespace);
  if (kind < 0.63) return connectionRoute(random, namespace);
  if (kind < 0.66) return grant(random, namespace);
  if (kind < 0.68) return backendTlsPolicy(random, namespace);
  if (kind < 0.73) return secret(random, namespace);
  if (kind < 0.8) return gateway(random, namespace);
  if (kind < 0.82) {
    const controllerName = random() < 0.9 ? "weft.dev/gateway-controller" : "example.com/other";
    return {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: "weft" },
      spec: { controllerName },
    };
  }
  if (kind < 0.87) return policy(random, namespace);
  if (kind < 0.93) return securityPolicy(random, namespace, { services, routes });
  if (kind < 0.96) return telemetryPolicy(random, namespace, { services, routes });
  if (kind < 0.98) {
    const labels = random() < 0.5 ? { edge: "yes" } : {};
    return { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } };
  }
  const spec = {
    accessLog: random() < 0.5,
    domainSuffix: pick(random, ["cluster.local", "mesh.test"]),
    ...meshSecurity(random),
    ...(random() < 0.5 ? { telemetry: telemetrySettings(random, true) } : {}),
  };
  return { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" }, spec };
}

function service(random: Random, namespace: string) {
  const name = pick(random, services);
  const index = services.indexOf(name) + 10 * namespaces.findIndex((entry) => entry === namespace) + 1;
  const isHeadless = random() < 0.15;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace,
      ...(random() < 0.2 ? { annotations: { "weft.dev/proxy-protocol": "v2" } } : {}),
    },
    spec: {
      selector: { app: pick(random, apps) },
      ...(isHeadless ? { clusterIP: "None" } : { clusterIPs: [`240.240.0.${index}`] }),
      ports: ports
        .filter((port) => port === 80 || random() < 0.5)
        .map((port) => ({
          port,
          name: `${pick(random, ["http", "tcp", "any"])}-${port}`,
          targetPort: random() < 0.5 ? 8080 : "web",
          ...(port === 81 && random() < 0.3 ? { protocol: "UDP" } : {}),
        })),
    },
  };
}

function workload(random: Random, namespace: string) {
  const name = pick(random, workloads);
  const index = workloads.indexOf(name) + 10 * namespaces.findIndex((entry) => entry === namespace) + 1;
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name, namespace, labels: { app: pick(random, apps), version: pick(random, ["v1", "v2"]) } },
    spec: {
      serviceAccount: pick(random, ["one", "two"]),
      addresses: [`10.77.0.${index}`],
      ports: random() < 0.7 ? [{ port: pick(random, [8080, 9090]), name: "web", protocol: "http" }] : [],
    },
  };
}

function route(random: Random, namespace: string) {
  const external = (): object => ({
    group: "weft.dev",
    kind: "ExternalService",
    name: pick(random, externals),
    namespace: pick(random, namespaces),
  });
  const parent = (): object =>
    random() < 0.15
      ? external()
      : random() < 0.6
        ? {
            group: "",
            kind: "Service",
            name: pick(random, services),
            namespace: pick(random, namespaces),
            ...(random() < 0.3 ? { port: pick(random, ports) } : {}),
          }
        : edgeParent(random, ["one"]);
  const backend = (): object => ({
    ...(random() < 0.15 ? external() : { name: pick(random, services) }),
    ...(random() < 0.2 ? { namespace: pick(random, namespaces) } : {}),
    port: pick(random, ports),
    weight: Math.floor(random() * 3),
  });
  const isGrpc = random() < 0.3;
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: isGrpc ? "GRPCRoute" : "HTTPRoute",
    metadata: {
      name: pick(random, routes),
      namespace,
      creationTimestamp: `2026-01-0${1 + Math.floor(random() * 3)}T00:00:00Z`,
    },
    spec: {
      parentRefs: random() < 0.1 ? [{ name: "edge" }, { group: "", kind: "Service", name: "a" }] : [parent()],
      ...(random() < 0.5 ? { hostnames: [pick(random, hostnames)] } : {}),
      rules: Array.from({ length: 1 + Math.floor(random() * 2) }, (_, index) => ({
        ...(index === 0 ? { name: "first" } : {}),
        ...(random() < 0.2 && !isGrpc ? { timeouts: { request: "3s" }, retry: { attempts: 3 } } : {}),
        matches: [
          isGrpc
            ? { method: { service: pick(random, ["a.B", "a.C"]) } }
            : {
                path: {
                  type: pick(random, ["Exact", "PathPrefix"]),
                  value: pick(random, ["/", "/a", "/a/b"]),
                },
              },
        ],
        backendRefs: Array.from({ length: Math.floor(random() * 3) }, backend),
        ...(random() < 0.1 && !isGrpc
          ? { filters: [{ type: "URLRewrite", urlRewrite: { hostname: "x.org" } }] }
          : {}),
      })),
    },
  };
}

function edgeParent(random: Random, sections: readonly [string, ...string[]]) {
  return {
    ...(random() < 0.3 ? { kind: "ListenerSet", name: "more" } : { name: "edge" }),
    namespace: pick(random, namespaces),
    ...(random() < 0.4 ? { sectionName: pick(random, sections) } : {}),
  };
}

function connectionRoute(random: Random, namespace: string) {
  const isTls = random() < 0.6;
  const port = isTls ? 80 : 81;
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: isTls ? "TLSRoute" : pick(random, ["TCPRoute", "UDPRoute"]),
    metadata: { name: pick(random, ["r1", "r2"]), namespace },
    spec: {
      parentRefs: [
        random() < 0.4
          ? {
              group: "",
              kind: "Service",
              name: pick(random, services),
              namespace: pick(random, namespaces),
              ...(random() < 0.3 ? { port: pick(random, ports) } : {}),
            }
          : edgeParent(random, ["one", "two", "three"]),
      ],
      ...(isTls ? { hostnames: [pick(random, hostnames)] } : {}),
      rules: [{ backendRefs: [{ name: pick(random, services), namespace: pick(random, namespaces), port }] }],
    },
  };
}

function grant(random: Random, namespace: string) {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "ReferenceGrant",
    metadata: { name: pick(random, ["g1", "g2"]), namespace },
    spec: {
      from: [
        pick(random, ["Gateway", "ListenerSet"]),
        pick(random, ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"]),
      ].map((kind) => ({
        group: "gateway.networking.k8s.io",
        kind,
        namespace: pick(random, namespaces),
      })),
      to: [
        pick<object>(random, [
          { group: "", kind: "Secret" },
          { group: "", kind: "ConfigMap" },
          { group: "", kind: "Service", name: pick(random, services) },
        ]),
      ],
    },
  };
}

function backendTlsPolicy(random: Random, namespace: string) {
  const section = random() < 0.4 ? { sectionName: pick(random, ["http-80", "any-80"]) } : {};
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "BackendTLSPolicy",
    metadata: {
      name: pick(random, ["t1", "t2"]),
      namespace,
      creationTimestamp: `2026-01-0${1 + Math.floor(random() * 2)}T00:00:00Z`,
    },
    spec: {
      targetRefs: [{ group: "", kind: "Service", name: pick(random, services), ...section }],
      validation: {
        hostname: pick(random, ["a.org", "b.org"]),
        caCertificateRefs: [{ group: "", kind: "ConfigMap", name: pick(random, ["ca", "gone"]) }],
      },
    },
  };
}

function configMap(random: Random, namespace: string) {
  const data = random() < 0.8 ? { "ca.crt": pick(random, [shopPair, starPair]).certificate } : {};
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ca", namespace }, data };
}

function secret(random: Random, namespace: string) {
  const { certificate, key: own } = pick(random, [shopPair, starPair]);
  // A key that does not fit now and then: most secrets must work, or no certificate would ever be compared.
  const { key } = random() < 0.1 ? pick(random, [shopPair, starPair]) : { key: own };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: pick(random, secrets), namespace },
    type: random() < 0.9 ? "kubernetes.io/tls" : "Opaque",
    stringData: { "tls.crt": certificate, "tls.key": key, ...(random() < 0.5 ? { password: "p" } : {}) },
  };
}

function tlsListener(random: Random): object {
  const certificateRefs = [pick(random, secrets), pick(random, secrets)].map((name) => ({
    name,
    ...(random() < 0.3 ? { namespace: pick(random, namespaces) } : {}),
  }));
  return pick<object>(random, [
    { protocol: "HTTPS", tls: { certificateRefs } },
    { protocol: "TLS", tls: { certificateRefs } },
    { protocol: "TLS", tls: { mode: "Passthrough" } },
  ]);
}

function listenerSet(random: Random, namespace: string) {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "ListenerSet",
    metadata: {
      name: "more",
      namespace,
      creationTimestamp: `2026-01-0${1 + Math.floor(random() * 3)}T00:00:00Z`,
    },
    spec: {
      parentRef: { name: "edge", namespace: pick(random, namespaces) },
      listeners: [
        { name: "one", port: pick(random, ports), protocol: "HTTP", hostname: pick(random, hostnames) },
        { name: "two", port: pick(random, ports), protocol: pick(random, ["UDP", "TCP"]) },
        { name: "three", port: 443, hostname: pick(random, hostnames), ...tlsListener(random) },
      ],
    },
  };
}

function frontendTls(random: Random) {
  const reference = { group: "", kind: "ConfigMap", name: "ca", namespace: pick(random, namespaces) };
  return { frontend: { default: { validation: { caCertificateRefs: [reference] } } } };
}

function gateway(random: Random, namespace: string) {
  const allowedRoutes = {
    namespaces: pick<object>(random, [
      { from: "Same" },
      { from: "Selector", selector: { matchLabels: { edge: "yes" } } },
    ]),
  };
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: {
      name: "edge",
      namespace,
      ...(random() < 0.2
        ? { annotations: { "weft.dev/proxy-protocol": pick(random, ["required", "perhaps"]) } }
        : {}),
    },
    spec: {
      gatewayClassName: pick(random, ["weft", "weft", "weft", "other"]),
      ...(random() < 0.3 ? { tls: frontendTls(random) } : {}),
      ...(random() < 0.3 ? { addresses: [{ value: pick(random, ["10.0.0.1", "10.0.0.2"]) }] } : {}),
      allowedListeners: { namespaces: { from: pick(random, ["All", "Same", "None"]) } },
      listeners: [
        { name: "one", port: 80, protocol: "HTTP", allowedRoutes },
        {
          name: "two",
          port: pick(random, ports),
          ...(random() < 0.7 ? { protocol: "HTTP", hostname: "*.example.com" } : { protocol: "TCP" }),
          allowedRoutes,
        },
        {
          name: "three",
          port: 443,
          ...(random() < 0.5 ? { hostname: pick(random, hostnames) } : {}),
          ...tlsListener(random),
          allowedRoutes,
        },
      ],
    },
  };
}

interface TargetReference {
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string;
}

function policy(random: Random, namespace: string) {
  const kind = pick(random, ["TrafficPolicy", "TrafficPolicy", "FaultPolicy"]);
  const isForMesh = random() < 0.2;
  const target = (): TargetReference => {
    if (isForMesh) return { kind: "MeshConfig", name: "mesh" };
    return pick<TargetReference>(random, [
      { kind: "Namespace", name: namespace },
      { kind: "Service", name: pick(random, services) },
      { kind: "Service", name: pick(random, services), sectionName: "http-80" },
      { kind: "HTTPRoute", name: pick(random, routes) },
      { kind: "HTTPRoute", name: pick(random, routes), sectionName: "first" },
    ]);
  };
  // Of one target that is named with and without a section the first stays.
  const targetRefs = [target(), target()].filter(
    ({ kind: of, name }, index, all) =>
      all.findIndex((each) => each.kind === of && each.name === name) === index,
  );
  const faults = [{ percentage: Math.floor(random() * 100), expiresAt: "2026-01-31T12:00:00Z", delay: "1s" }];
  const said = pick<object>(random, [
    { timeouts: { request: pick(random, ["1s", "2s"]) } },
    { timeouts: { try: "1s" }, retries: { attempts: Math.floor(random() * 5) } },
    { retries: { on: [pick(random, [500, 503])] } },
  ]);
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind,
    metadata: {
      name: pick(random, ["p1", "p2", "p3"]),
      namespace: isForMesh ? "weft-system" : namespace,
      creationTimestamp: `2026-01-0${1 + Math.floor(random() * 3)}T00:00:00Z`,
    },
    spec: { targetRefs, ...(kind === "FaultPolicy" ? { faults } : said) },
  };
}
