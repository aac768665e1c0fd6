/** A member of any kind that cannot be used never holds up another: not one of the same commit, and not one that comes later. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type KindName, kindNames, parseObject } from "../api/index.ts";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { Registry } from "../registry/index.ts";
import { openSqliteStore, type Store, type Write } from "../store/index.ts";
import { Configuration } from "./configuration.ts";
import { writeInitialObjects } from "./initial-objects.ts";
import { StatusQueue } from "./status-queue.ts";

const clock = new VirtualClock();
const meta = { author: "test", message: "" };
const trust = { trustDomain: "0a1b2c3d.weft", trustRoots: [] };
const outbound = { kind: "Outbound", key: "default/web:80@default" } as const;
const gateway = { kind: "Gateway", key: "default/edge" } as const;

let store: Store;
let registry: Registry;
let statuses: StatusQueue;
let configuration: Configuration;

beforeEach(async () => {
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  await writeInitialObjects(store);
  registry = new Registry({ store, clock, log: silentLog });
  statuses = new StatusQueue({ store, clock, log: silentLog });
  configuration = new Configuration({ store, registry, statuses, ...trust, log: silentLog });
  await store.commit([service, edge, ...routes("0")].map(put), meta);
  await Promise.resolve();
});

afterEach(async () => {
  configuration.close();
  registry.close();
  await statuses.close();
  store.close();
});

const group = "gateway.networking.k8s.io";
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }], clusterIP: "240.240.0.7" },
};
const edge = {
  apiVersion: `${group}/v1`,
  kind: "Gateway",
  metadata: { name: "edge", namespace: "default" },
  spec: { gatewayClassName: "weft", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
};

/** One in the mesh and one at its edge; the value tells its versions apart. */
function routes(value: string): object[] {
  const parents = { mesh: { group: "", kind: "Service", name: "web", port: 80 }, edge: { name: "edge" } };
  return Object.entries(parents).map(([name, parent]) => ({
    apiVersion: `${group}/v1`,
    kind: "HTTPRoute",
    metadata: { name: `fine-${name}`, namespace: "default" },
    spec: {
      parentRefs: [parent],
      rules: [
        {
          filters: [
            { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-a", value }] } },
          ],
          backendRefs: [{ name: "web", port: 80 }],
        },
      ],
    },
  }));
}

function put(input: unknown): Write {
  const parsed = parseObject(input, "read");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return { type: "put", object: parsed.object };
}

const target = { group: "", kind: "Service", name: "web" };
const toWeb = [{ group: "", kind: "Service", name: "web", port: 80 }];
const regex = { type: "RegularExpression", value: "/(?=look" };
const standard = (kind: string, spec: object): object => ({ apiVersion: `${group}/v1`, kind, spec });
const own = (kind: string, spec: object): object => ({ apiVersion: "weft.dev/v1alpha1", kind, spec });
const core = (kind: string, more: object): object => ({ apiVersion: "v1", kind, ...more });

/** As it may stand in a store: the schema takes it, and it cannot be used. Undefined: nothing of the kind reaches a proxy. */
const broken: Record<KindName, object | undefined> = {
  Namespace: core("Namespace", {
    metadata: { name: "odd", annotations: { "weft.dev/outbound-traffic": "maybe" } },
  }),
  Service: core("Service", {
    spec: { selector: { app: "x" }, ports: [{ port: 80, targetPort: "no-such" }], clusterIP: "240.240.0.7" },
  }),
  EndpointSlice: {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { labels: { "kubernetes.io/service-name": "nowhere" } },
    addressType: "IPv6",
    endpoints: [{ addresses: ["10.0.0.1"] }],
    ports: [{ port: 80 }],
  },
  Secret: core("Secret", { type: "kubernetes.io/tls", data: { "tls.crt": "AAAA", "tls.key": "AAAA" } }),
  ConfigMap: core("ConfigMap", { data: { "ca.crt": "no certificate" } }),
  MeshWorkload: own("MeshWorkload", { addresses: ["not an address"] }),
  ExternalService: own("ExternalService", {
    hosts: ["*.nowhere.example"],
    ports: [{ port: 443, protocol: "TLS" }],
  }),
  GatewayClass: standard("GatewayClass", {
    controllerName: "weft.dev/gateway-controller",
    parametersRef: { group: "x", kind: "Y", name: "z" },
  }),
  Gateway: standard("Gateway", {
    gatewayClassName: "weft",
    listeners: [{ name: "s", port: 443, protocol: "HTTPS", tls: { certificateRefs: [{ name: "broken" }] } }],
  }),
  HTTPRoute: standard("HTTPRoute", {
    parentRefs: [...toWeb, { name: "edge" }],
    rules: [{ matches: [{ path: regex }] }],
  }),
  GRPCRoute: standard("GRPCRoute", {
    parentRefs: [...toWeb, { name: "edge" }],
    rules: [{ matches: [{ method: { type: "RegularExpression", service: "(?=look" } }] }],
  }),
  TLSRoute: standard("TLSRoute", {
    parentRefs: [{ name: "edge" }],
    hostnames: ["a.example.com"],
    rules: [{ backendRefs: [{ name: "no", port: 1 }] }],
  }),
  TCPRoute: standard("TCPRoute", {
    parentRefs: [...toWeb, { name: "edge" }],
    rules: [{ backendRefs: [{ name: "no", port: 1 }] }],
  }),
  UDPRoute: standard("UDPRoute", {
    parentRefs: [...toWeb, { name: "edge" }],
    rules: [{ backendRefs: [{ name: "no", port: 1 }] }],
  }),
  ListenerSet: standard("ListenerSet", {
    parentRef: { name: "edge" },
    listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
  }),
  ReferenceGrant: standard("ReferenceGrant", {
    from: [{ group, kind: "HTTPRoute", namespace: "nowhere" }],
    to: [{ group: "", kind: "Frog" }],
  }),
  BackendTLSPolicy: standard("BackendTLSPolicy", {
    targetRefs: [target],
    validation: { hostname: "web", caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "no" }] },
  }),
  TrafficPolicy: own("TrafficPolicy", {
    targetRefs: [{ ...target, name: "nowhere" }],
    timeouts: { request: "9999h" },
  }),
  FaultPolicy: own("FaultPolicy", {
    targetRefs: [target],
    faults: [{ expiresAt: "2000-13-45T99:99:99Z", delay: "999h" }],
  }),
  AuthenticationPolicy: own("AuthenticationPolicy", {
    jwt: { providers: [{ name: "a", issuer: "x", jwks: "{]" }] },
  }),
  AuthorizationPolicy: own("AuthorizationPolicy", { action: "Deny", rules: [{ when: ["((("] }] }),
  RateLimitPolicy: own("RateLimitPolicy", { targetRefs: [target], limits: [{ requests: 1, per: "moon" }] }),
  TelemetryPolicy: own("TelemetryPolicy", { metrics: { labels: [{ name: "a", value: "(((" }] } }),
  MeshConfig: own("MeshConfig", { telemetry: { accessLog: { filter: "(((" } } }),
  ConfigRollout: undefined,
  ServiceAccount: undefined,
  Role: undefined,
  ClusterRole: undefined,
  RoleBinding: undefined,
  ClusterRoleBinding: undefined,
};

function named(kind: KindName, input: object): Record<string, unknown> {
  const { metadata = {}, ...rest }: { metadata?: object } = input;
  const isCluster = ["Namespace", "GatewayClass", "MeshConfig"].includes(kind);
  return {
    ...rest,
    metadata: {
      name: kind === "MeshConfig" ? "mesh" : "broken",
      ...(isCluster ? {} : { namespace: "default" }),
      ...metadata,
    },
  };
}

const walked = kindNames.filter((kind) => broken[kind] !== undefined);

function versions(): (string | undefined)[] {
  return [outbound, gateway].map((name) => configuration.compiler.get(name)?.version);
}

/** The newest that could be used of each, so that a change to both is seen. */
function bothChanged(before: readonly (string | undefined)[]): boolean {
  return versions().every((version, index) => version !== undefined && version !== before[index]);
}

describe("a member that cannot be used", () => {
  test.each(walked)("of kind %s holds up neither its own commit nor a later one", async (kind) => {
    const before = versions();
    await store.commit([put(named(kind, broken[kind] ?? {})), ...routes("1").map(put)], meta);
    await Promise.resolve();
    expect(configuration.revision).toBe(store.revision);
    expect(bothChanged(before)).toBe(true);
    const between = versions();
    await store.commit(routes("2").map(put), meta);
    await Promise.resolve();
    expect(configuration.revision).toBe(store.revision);
    expect(bothChanged(between)).toBe(true);
  });

  test("of every kind together neither", async () => {
    const before = versions();
    const all = walked.map((kind) => put(named(kind, broken[kind] ?? {})));
    await store.commit([...all, ...routes("1").map(put)], meta);
    await Promise.resolve();
    expect(bothChanged(before)).toBe(true);
    const between = versions();
    await store.commit(routes("2").map(put), meta);
    await Promise.resolve();
    expect(bothChanged(between)).toBe(true);
  });
});

test("one that cannot even be taken in is quarantined, its last version stays in force, and it goes live once it is mended", async () => {
  const fault = (expiresAt: string) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "FaultPolicy",
    metadata: { name: "broken", namespace: "default" },
    spec: {
      targetRefs: [{ group, kind: "HTTPRoute", name: "fine-mesh" }],
      faults: [{ expiresAt, abort: { httpStatus: 503 } }],
    },
  });
  const key = { kind: "FaultPolicy", namespace: "default", name: "broken" } as const;
  const commit = async (...objects: readonly object[]): Promise<readonly (string | undefined)[]> => {
    await store.commit(objects.map(put), meta);
    await Promise.resolve();
    return versions();
  };
  const [without] = versions();
  const [good] = await commit(fault("2030-01-01T00:00:00Z"));
  expect(good).not.toBe(without);
  // No such day: the schema, which knows the form alone, takes it.
  const [still] = await commit(fault("2030-13-45T99:99:99Z"));
  expect([still, configuration.compiler.isQuarantined(key)]).toEqual([good, true]);
  const [mended] = await commit(fault("2031-01-01T00:00:00Z"));
  expect(mended).not.toBe(good);
  expect(configuration.compiler.isQuarantined(key)).toBe(false);
});
