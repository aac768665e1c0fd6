/** What holds for every kind: names, unknown fields, the list of all issues, bounds on hostile input. */
import { describe, expect, test } from "bun:test";
import { apiVersionOf, changeIssues, findKind, kindNames, kinds, printerCells } from "./kinds.ts";
import { issuesOf, parsed, parsedAs } from "./testing/parsing.ts";

const minimal: Record<string, Record<string, unknown>> = {
  Namespace: {},
  Service: { spec: { ports: [{ port: 80 }] } },
  ServiceAccount: {},
  EndpointSlice: { addressType: "IPv4" },
  Secret: {},
  ConfigMap: {},
  MeshWorkload: { spec: { addresses: ["10.77.0.2"] } },
  ExternalService: { spec: { hosts: ["api.example.com"], ports: [{ port: 443 }] } },
  GatewayClass: { spec: { controllerName: "weft.dev/gateway-controller" } },
  Gateway: {
    spec: { gatewayClassName: "weft", listeners: [{ name: "http", port: 8080, protocol: "HTTP" }] },
  },
  HTTPRoute: { spec: {} },
  GRPCRoute: { spec: {} },
  TLSRoute: {
    spec: { hostnames: ["a.example.com"], rules: [{ backendRefs: [{ name: "db", port: 5432 }] }] },
  },
  TCPRoute: { spec: { rules: [{ backendRefs: [{ name: "db", port: 5432 }] }] } },
  UDPRoute: { spec: { rules: [{ backendRefs: [{ name: "dns", port: 53 }] }] } },
  ListenerSet: {
    spec: {
      parentRef: { name: "edge" },
      listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
    },
  },
  ReferenceGrant: {
    spec: {
      from: [{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "edge" }],
      to: [{ group: "", kind: "Secret" }],
    },
  },
  ConfigRollout: {
    spec: {
      objects: [],
      changes: [],
      base: [],
      baseRevision: 1,
      steps: [10],
      watchSeconds: 60,
      author: "ann",
      message: "",
    },
    status: {
      phase: "Watching",
      step: 0,
      threshold: 0,
      startedAt: "2026-11-27T00:00:00Z",
      stepStartedAt: "2026-11-27T00:00:00Z",
      reason: "",
      proxies: 0,
    },
  },
  BackendTLSPolicy: {
    spec: {
      targetRefs: [{ group: "", kind: "Service", name: "web" }],
      validation: { hostname: "web.example.com", wellKnownCACertificates: "System" },
    },
  },
  TrafficPolicy: { spec: { targetRefs: [{ kind: "Service", name: "web" }], timeouts: { request: "1s" } } },
  FaultPolicy: {
    spec: {
      targetRefs: [{ kind: "Service", name: "web" }],
      faults: [{ delay: "1s", expiresAt: "2026-01-31T12:00:00Z" }],
    },
  },
  AuthenticationPolicy: {
    spec: { targetRefs: [{ kind: "Namespace", name: "default" }], mtls: { mode: "Strict" } },
  },
  AuthorizationPolicy: { spec: { targetRefs: [{ kind: "Namespace", name: "default" }] } },
  RateLimitPolicy: {
    spec: { targetRefs: [{ kind: "Service", name: "web" }], limits: [{ requests: 10 }] },
  },
  TelemetryPolicy: {
    spec: { targetRefs: [{ kind: "Namespace", name: "default" }], tracing: { samplingPercent: 5 } },
  },
  MeshConfig: {},
  RoleBinding: { roleRef: { kind: "Role", name: "a" } },
  ClusterRoleBinding: { roleRef: { kind: "ClusterRole", name: "a" } },
};

describe("kinds", () => {
  test.each(kindNames)(
    "%s: the least that it needs is valid, and parsing the result again changes nothing",
    (kind) => {
      const name = kind === "MeshConfig" ? "mesh" : "a";
      const object = parsed({ apiVersion: apiVersionOf(kind), kind, metadata: { name }, ...minimal[kind] });
      expect(parsed(object)).toEqual(object);
      expect(object.metadata.namespace).toBe(kinds[kind].namespaced ? "default" : undefined);
      expect(printerCells(object)).toHaveLength(kinds[kind].printerColumns.length);
    },
  );

  test.each(kindNames)("%s: an unknown field is refused when written and kept when read", (kind) => {
    const name = kind === "MeshConfig" ? "mesh" : "a";
    const input = {
      apiVersion: apiVersionOf(kind),
      kind,
      metadata: { name },
      ...minimal[kind],
      novelty: { deep: 1 },
    };
    expect(issuesOf(input)).toEqual(["novelty: unknown field"]);
    expect(parsed(input, "read")).toHaveProperty("novelty", { deep: 1 });
  });

  test.each([
    ["ReferenceGrant", "v1beta1"],
    ["HTTPRoute", "v1beta1"],
    ["TLSRoute", "v1alpha3"],
    ["BackendTLSPolicy", "v1alpha3"],
  ] as const)("%s of version %s is taken as today's", (kind, version) => {
    const named = { kind, metadata: { name: "a" }, ...minimal[kind] };
    const older = parsed({ apiVersion: `gateway.networking.k8s.io/${version}`, ...named });
    expect(older).toEqual(parsed({ apiVersion: "gateway.networking.k8s.io/v1", ...named }));
    expect(issuesOf({ apiVersion: "gateway.networking.k8s.io/v1alpha1", ...named })).toHaveLength(1);
  });

  test("are found by kind, plural, singular and short name, in any case", () => {
    const names = ["HTTPRoute", "httproutes", "httproute", "httproutes.gateway.networking.k8s.io"];
    expect(names.map(findKind)).toEqual(["HTTPRoute", "HTTPRoute", "HTTPRoute", "HTTPRoute"]);
    expect([findKind("svc"), findKind("ns"), findKind("gtw"), findKind("nothing")]).toEqual([
      "Service",
      "Namespace",
      "Gateway",
      undefined,
    ]);
  });

  test("no name stands for two kinds", () => {
    const names = kindNames.flatMap((kind) => [
      ...new Set([kind.toLowerCase(), kinds[kind].plural, kinds[kind].singular, ...kinds[kind].shortNames]),
    ]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("parseObject", () => {
  const route = (spec: unknown): unknown => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "r" },
    spec,
  });

  test("reports every issue at once, with field paths", () => {
    const issues = issuesOf({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "Not_Valid", labels: { "a/b/c": "x", app: "no spaces" }, lables: {} },
      spec: {
        parentRefs: [{ kind: "Service" }],
        rules: [
          {
            matches: [{ method: "get", headers: [{ name: "x" }] }],
            backendRefs: [{ name: "a", weight: -1, wieght: 2 }],
          },
        ],
      },
    });
    expect(issues.toSorted()).toEqual([
      "metadata.labels.app: must be at most 63 letters, digits, '-', '_' and '.'",
      "metadata.labels[a/b/c]: its key must be a label key such as app or app.kubernetes.io/name",
      "metadata.lables: unknown field; did you mean metadata.labels?",
      "metadata.name: must be lower-case letters, digits, '-' and '.', such as reviews.v2",
      "spec.parentRefs[0].name: is required",
      "spec.rules[0].backendRefs[0].weight: must be 0 or more",
      "spec.rules[0].backendRefs[0].wieght: unknown field; did you mean spec.rules[0].backendRefs[0].weight?",
      "spec.rules[0].matches[0].headers[0].value: is required",
      "spec.rules[0].matches[0].method: must be one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH",
    ]);
  });

  test("reports rules between fields together with unknown fields", () => {
    expect(issuesOf(route({ rules: [{ matches: [{ path: { value: "x" } }], timeout: "1s" }] }))).toEqual([
      "spec.rules[0].timeout: unknown field; did you mean spec.rules[0].timeouts?",
      "spec.rules[0].matches[0].path.value: must be an absolute path that starts with /",
    ]);
  });

  test.each([
    [null, [": must be an object with apiVersion, kind and metadata"]],
    [[], [": must be an object with apiVersion, kind and metadata"]],
    [{}, ["kind: is required", "apiVersion: is required"]],
    [{ apiVersion: 1, kind: "Service" }, ["apiVersion: must be text"]],
    [{ apiVersion: "v2", kind: "Service" }, ["apiVersion: must be v1 for Service"]],
    [{ apiVersion: "v1", kind: "Service" }, ["metadata: is required", "spec: is required"]],
    [
      { apiVersion: "v1", kind: "Service", metadata: "x", spec: [] },
      ["metadata: must be an object with fields", "spec: must be an object with fields"],
    ],
    [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: 5 } },
      ["metadata.name: must be text (in quotes where it looks like a number)"],
    ],
  ])("refuses %j", (input, issues) => {
    expect(issuesOf(input)).toEqual(issues.map((line) => line.replace(/^: /, "")));
  });

  test("names the known kinds where the kind is unknown", () => {
    expect(issuesOf({ apiVersion: "v1", kind: "Pod" })[0]).toStartWith(
      "kind: unknown kind Pod; known are Namespace, Service",
    );
  });

  test("takes null for absent, as Kubernetes does, and drops managedFields", () => {
    const metadata = {
      name: "m",
      creationTimestamp: null,
      labels: null,
      managedFields: [{ manager: "kubectl" }],
    };
    expect(parsed({ apiVersion: "v1", kind: "ConfigMap", metadata, data: null })).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "m", namespace: "default" },
    });
  });

  test("does not change its input", () => {
    const input = Object.freeze({
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshConfig",
      metadata: Object.freeze({ name: "mesh" }),
    });
    expect(parsedAs("MeshConfig", input).spec.leaseSeconds).toBe(5);
  });

  test("refuses a namespace on a kind that lives in none", () => {
    expect(
      issuesOf({ apiVersion: "v1", kind: "Namespace", metadata: { name: "a", namespace: "b" } }),
    ).toEqual(["metadata.namespace: must be absent; objects of this kind live in no namespace"]);
  });

  test("refuses keys that reach the prototype, and depth and size beyond bounds", () => {
    const hostile: unknown = JSON.parse(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"__proto__":"x"}}}',
    );
    expect(issuesOf(hostile)).toEqual(["metadata.labels.__proto__: this key is refused"]);
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(issuesOf({ apiVersion: "v1", kind: "ConfigMap", data: deep })[0]).toEndWith(
      "nested deeper than 64 levels",
    );
    expect(
      issuesOf({ apiVersion: "v1", kind: "ConfigMap", data: Array.from({ length: 300_000 }, () => 1) })[0],
    ).toBe("more than 250000 values");
  });

  test("stops counting issues at a bound, and still refuses", () => {
    const rules = Array.from({ length: 16 }, () => ({
      backendRefs: Array.from({ length: 16 }, () => ({ wrong: 1 })),
    }));
    expect(issuesOf(route({ rules })).length).toBeLessThanOrEqual(200);
    const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`u${i}`, 1]));
    expect(
      issuesOf({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: 5 }, ...fields }, "read"),
    ).not.toEqual([]);
  });

  test("no pattern can be made to take long", () => {
    const hostile = [
      `${"a".repeat(1_000_000)}!`,
      `${"a.".repeat(500_000)}!`,
      `${"a-".repeat(500_000)}/`,
      `${"1h".repeat(500_000)}x`,
      `${"A".repeat(1_000_000)}=`,
    ];
    const before = process.cpuUsage();
    for (const text of hostile) {
      for (const kind of kindNames) {
        const metadata = {
          name: text,
          namespace: text,
          labels: { [text]: text, a: text },
          annotations: { [text]: text },
        };
        expect(
          issuesOf({
            apiVersion: apiVersionOf(kind),
            kind,
            metadata,
            data: { [text]: text },
            type: text,
            spec: { ...minimal[kind], hostnames: [text], listeners: [{ protocol: text, hostname: text }] },
          }).length,
        ).toBeGreaterThan(0);
      }
    }
    // CPU time, so that what else runs does not count. A quadratic pattern takes minutes on these; all of them take seconds.
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(15_000);
  }, 120_000);
});

describe("changeIssues", () => {
  const gatewayClass = (controllerName: string) =>
    parsed({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: "c" },
      spec: { controllerName },
    });
  const secret = (fields: object) =>
    parsed({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, ...fields });
  const paths = (
    before: Parameters<typeof changeIssues>[0],
    after: Parameters<typeof changeIssues>[0],
  ): string[] => changeIssues(before, after).map((issue) => issue.path);

  test("a GatewayClass keeps its controller", () => {
    expect(paths(gatewayClass("a.b/c"), gatewayClass("a.b/c"))).toEqual([]);
    expect(paths(gatewayClass("a.b/c"), gatewayClass("a.b/d"))).toEqual(["spec.controllerName"]);
  });

  test("an immutable Secret keeps its content and stays immutable", () => {
    const fixed = secret({ data: { a: "YQ==" }, immutable: true });
    expect(paths(fixed, fixed)).toEqual([]);
    expect(paths(fixed, secret({ data: { a: "Yg==" } }))).toEqual(["data", "immutable"]);
    expect(paths(secret({ data: { a: "YQ==" } }), secret({ data: {} }))).toEqual([]);
  });
});
