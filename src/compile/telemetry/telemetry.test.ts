/** TelemetryPolicies as the compiler keeps them up to date: who wins, what proxies get, and what is said about it. */
import { describe, expect, test } from "bun:test";
import { meshConfig, policy, service, targets, TestMesh, workload } from "../security/testing.ts";
import { stored } from "../test/objects.ts";
import { telemetryAttributes } from "./attributes.ts";
import { telemetryIssues } from "./settings.ts";

const kind = "TelemetryPolicy";
const web = workload("web-1", { app: "web", tier: "front" }, [8080]);
const ofNamespace = targets("Namespace", "shop");
const front = { selector: { matchLabels: { tier: "front" } } };
const otel = { backendRef: { name: "otel", port: 4317 } };

function percent(samplingPercent: number) {
  return { tracing: { samplingPercent } };
}

describe("what holds at a workload", () => {
  test("is the nearest's, field by field: mesh, namespace, labels or Service", () => {
    const mesh = new TestMesh(web, service("web", [{ port: 80 }]));
    expect(mesh.inbound().telemetry).toBeUndefined();
    mesh.add(meshConfig({ telemetry: { tracing: { samplingPercent: 1, keepErrors: false } } }));
    expect(mesh.inbound().telemetry).toMatchObject({ tracing: { samplingPpm: 10_000, keepsErrors: false } });
    expect(mesh.inbound().telemetry?.source).toBeUndefined();
    const far = policy(kind, "far", { ...ofNamespace, ...percent(2) });
    mesh.add(far);
    expect(mesh.inbound().telemetry).toMatchObject({
      source: { name: "far" },
      tracing: { samplingPpm: 20_000, keepsErrors: false },
    });
    const ofService = policy(kind, "of-service", { ...targets("Service", "web"), ...percent(3) });
    mesh.add(ofService);
    expect(mesh.inbound().telemetry?.tracing?.samplingPpm).toBe(30_000);
    const older = { created: "2025-01-01T00:00:00Z" };
    mesh.add(policy(kind, "of-labels", { ...front, ...percent(4) }, older));
    expect(mesh.inbound().telemetry?.tracing?.samplingPpm).toBe(40_000);
    mesh.remove(far, ofService);
    expect(mesh.inbound().telemetry?.tracing).toMatchObject({ samplingPpm: 40_000, keepsErrors: false });
  });

  test("hides what any of them hides", () => {
    const mesh = new TestMesh(
      web,
      meshConfig({ telemetry: { redaction: { headers: ["X-A"], logQuery: true } } }),
      policy(kind, "near", { ...front, redaction: { headers: ["x-b"], logQuery: false } }),
    );
    expect(mesh.inbound().telemetry?.accessLog?.redaction).toMatchObject({
      headers: ["x-b", "x-a"],
      logsQuery: false,
    });
  });

  test("has its collectors in the closure, and none that nobody may reach", () => {
    const collector = service("otel", [{ port: 4317 }], "otel");
    const mesh = new TestMesh(web, policy(kind, "p", { ...ofNamespace, collectors: [otel] }));
    expect(mesh.inbound()).toMatchObject({ clusters: [], closure: { clusters: [] } });
    expect(mesh.conditions("p")).toEqual([
      "Accepted=True Accepted: ",
      "ResolvedRefs=False BackendNotFound: spec.collectors[0].backendRef: Service shop/otel does not exist",
    ]);
    mesh.add(collector);
    const { telemetry, clusters, closure } = mesh.inbound();
    expect(clusters).toEqual(["shop/otel:4317"]);
    expect(closure.clusters).toEqual(["shop/otel:4317"]);
    expect(telemetry?.collectors).toMatchObject([
      { cluster: "shop/otel:4317", authority: "otel.shop", metrics: true, traces: true, logs: true },
    ]);
    expect(mesh.conditions("p")[1]).toBe("ResolvedRefs=True ResolvedRefs: ");
    mesh.add(policy(kind, "nobody", { ...front, collectors: [] }));
    expect(mesh.inbound().clusters).toEqual([]);
    expect(mesh.inbound().telemetry).toBeUndefined();
  });

  test("needs a grant for a collector of another namespace", () => {
    const far = { backendRef: { name: "otel", namespace: "weft-system", port: 4317 } };
    const mesh = new TestMesh(web, policy(kind, "p", { ...ofNamespace, collectors: [far] }));
    expect(mesh.conditions("p")[1]).toStartWith("ResolvedRefs=False RefNotPermitted: spec.collectors[0]");
  });

  test("says where the application's own metrics are", () => {
    const mesh = new TestMesh(web);
    expect(mesh.inbound().applicationMetrics).toBeUndefined();
    mesh.add(
      stored({
        apiVersion: "weft.dev/v1alpha1",
        kind: "MeshWorkload",
        metadata: { name: "web-1", namespace: "shop", annotations: { "prometheus.io/scrape": "true" } },
        spec: { addresses: ["10.77.0.5"], ports: [{ port: 8080 }] },
      }),
    );
    expect(mesh.inbound().applicationMetrics).toMatchObject({ port: 8080, path: "/metrics" });
  });
});

describe("a policy that cannot be compiled", () => {
  const label = (value: string) => ({ metrics: { labels: [{ name: "a", value }] } });

  test("says where, and its last version stays", () => {
    const mesh = new TestMesh(web, policy(kind, "p", { ...ofNamespace, ...label("route") }));
    mesh.add(policy(kind, "p", { ...ofNamespace, ...label("request.path") }, { generation: 2 }));
    expect(mesh.conditions("p")[0]).toStartWith(
      "Accepted=False Invalid: spec.metrics.labels[0].value: at character 8: request.path differs from request to request",
    );
    expect(mesh.inbound().telemetry?.metrics?.labels).toHaveLength(1);
    const key = { kind, namespace: "shop", name: "p" } as const;
    expect(mesh.compiler.isQuarantined(key)).toBe(true);
    mesh.add(policy(kind, "p", { ...ofNamespace, ...label("rule") }, { generation: 3 }));
    expect(mesh.compiler.isQuarantined(key)).toBe(false);
  });

  test("leaves out of MeshConfig what it says wrongly", () => {
    const mesh = new TestMesh(
      web,
      meshConfig({ telemetry: { ...percent(5), accessLog: { filter: "response.code" } } }),
    );
    expect(mesh.inbound().telemetry).toMatchObject({ tracing: { samplingPpm: 50_000 } });
    expect(mesh.inbound().telemetry?.accessLog).toBeUndefined();
    const status = mesh.compiler.statuses().find((update) => update.kind === "MeshConfig")?.status;
    expect(status).toMatchObject({
      conditions: [
        {
          type: "Accepted",
          status: "False",
          message:
            "left out: spec.telemetry.accessLog.filter: at character 9: is a number, not true or false",
        },
      ],
    });
  });

  test.each([
    ["request.id", "request.id differs from request to request"],
    ["duration_ms", "duration_ms differs from request to request"],
    ['response.headers["x"]', "response.headers differs from request to request"],
    ['request.headers["Cookie"]', "Cookie is always hidden"],
    ["request.headers", "request.headers is a map"],
    ["jwt.subject", "jwt.subject is no attribute; see docs/reference/telemetry.md"],
    ["no_such", "no_such is no attribute"],
    ["[1, 2]", "is a list, not a text, a number, true or false"],
    ["null", "is a null, not a text"],
  ])("refuses the label %s", (value, problem) => {
    const issues = telemetryIssues(label(value), "spec");
    expect(issues).toHaveLength(1);
    expect(issues[0]?.path).toBe("spec.metrics.labels[0].value");
    expect(issues[0]?.message.replace("is null", "is a null")).toContain(problem);
  });

  test("takes as a field what a label may not read, and as a filter what a field may not", () => {
    const fields = ["request.path", "request.id", "duration_ms", "'a'", "1.5", "true"];
    const accessLog = {
      fields: fields.map((value, index) => ({ name: `f${index}`, value })),
      filter: 'has(request.headers["authorization"]) || "x-a" in request.headers',
    };
    expect(telemetryIssues({ accessLog }, "spec")).toEqual([]);
    const told = { fields: [{ name: "a", value: 'request.headers["authorization"]' }] };
    expect(telemetryIssues({ accessLog: told }, "spec")[0]?.message).toContain(
      "authorization is always hidden",
    );
  });
});

describe("a status", () => {
  test("names what an older policy at the same place says", () => {
    const older = { created: "2025-01-01T00:00:00Z" };
    const mesh = new TestMesh(
      web,
      policy(kind, "old", { ...front, ...percent(1), redaction: { headers: ["x-a"] } }, older),
      policy(kind, "new", { ...front, ...percent(2), redaction: { headers: ["x-b"] } }),
      policy(kind, "lost", { ...front, ...percent(3) }),
    );
    const taken = "tracing.samplingPercent is said by older TelemetryPolicy shop/old";
    expect(mesh.conditions("old")).toEqual(["Accepted=True Accepted: "]);
    expect(mesh.conditions("new")).toEqual([
      "Accepted=True Accepted: ",
      `Conflicted=True Conflicted: ${taken}`,
    ]);
    expect(mesh.conditions("lost")).toEqual([`Accepted=False Conflicted: ${taken}`]);
  });

  test("says what is not there", () => {
    const mesh = new TestMesh(
      policy(kind, "p", {
        targetRefs: [
          { kind: "Service", name: "none" },
          { kind: "Gateway", name: "none" },
          { kind: "HTTPRoute", name: "none" },
        ],
        ...percent(1),
      }),
    );
    expect(mesh.conditions("p")).toEqual([
      "Accepted=False TargetNotFound: Service shop/none does not exist",
      "Accepted=False TargetNotFound: Gateway shop/none does not exist or is another controller's",
      "Accepted=False TargetNotFound: HTTPRoute shop/none does not exist",
    ]);
  });
});

test("one namespace's policies change no other's workloads", () => {
  const other = workload("far-1", { tier: "front" }, [8080], "other");
  const mesh = new TestMesh(web, other, policy(kind, "p", { ...front, ...percent(1) }));
  const before = mesh.inbound("other/far-1").version;
  mesh.add(policy(kind, "p", { ...front, ...percent(2) }, { generation: 2 }));
  expect(mesh.inbound("other/far-1").version).toBe(before);
  expect(mesh.inbound("other/far-1").telemetry).toBeUndefined();
  expect(mesh.inbound().telemetry?.tracing?.samplingPpm).toBe(20_000);
});

test("names of attributes are distinct", () => {
  expect(new Set(telemetryAttributes.map(({ name }) => name)).size).toBe(telemetryAttributes.length);
});
