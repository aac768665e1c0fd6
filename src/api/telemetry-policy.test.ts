/** What a TelemetryPolicy, MeshConfig's telemetry and a workload's annotations may say, and what is said of mistakes. */
import { describe, expect, test } from "bun:test";
import { parseObject } from "./kinds.ts";
import { metricsPlace } from "./metrics-annotations.ts";

const here = { targetRefs: [{ kind: "Namespace", name: "default" }] };
const atRoute = { targetRefs: [{ kind: "HTTPRoute", name: "a" }] };
const backendRef = { name: "otel", port: 4317 };

function issuesOf(spec: object, kind = "TelemetryPolicy"): string[] {
  const name = kind === "MeshConfig" ? "mesh" : "a";
  const parsed = parseObject({ apiVersion: "weft.dev/v1alpha1", kind, metadata: { name }, spec }, "write");
  return "issues" in parsed ? parsed.issues.map(({ path, message }) => `${path}: ${message}`) : [];
}

describe("a TelemetryPolicy", () => {
  test("takes every field at once", () => {
    const issues = issuesOf({
      selector: { matchLabels: { app: "web" } },
      metrics: {
        enabled: true,
        labels: [{ name: "shop.tenant", value: "source.namespace" }],
        dropLabels: ["destination.version"],
        maxSeries: 100,
        istioNames: true,
        exemplars: false,
      },
      tracing: {
        enabled: true,
        samplingPercent: 0.0001,
        followParent: false,
        keepErrors: true,
        keepSlowerThan: "0s",
        propagation: ["W3C", "B3", "B3Multi"],
        attributes: [{ name: "a", value: "route" }],
      },
      accessLog: {
        enabled: true,
        format: "Text",
        textFormat: "%START_TIME% 100%% %REQ(:METHOD):10%\n",
        fields: [{ name: "a", value: "rule" }],
        filter: "response.code >= 400",
        samplingPercent: 100,
        file: false,
      },
      redaction: {
        headers: ["X-User", "x-internal-*"],
        queryParameters: ["*"],
        logQuery: true,
        pathTemplates: ["/users/{id}/orders/{*}", "/files/{**}"],
      },
      collectors: [
        { backendRef },
        { backendRef, protocol: "HTTP", path: "/otlp", headers: [{ name: "x-scope", value: "a" }] },
      ],
    });
    expect(issues).toEqual([]);
  });

  test.each<[object, string]>([
    [{}, "spec: must have one of metrics, tracing, accessLog, redaction, collectors"],
    [{ tracing: { samplingPercent: 101 } }, "spec.tracing.samplingPercent: must be"],
    [
      { tracing: { samplingPercent: 0.00001 } },
      "spec.tracing.samplingPercent: must have at most four digits",
    ],
    [{ accessLog: { samplingPercent: 1.00001 } }, "spec.accessLog.samplingPercent: must have at most four"],
    [{ tracing: { keepSlowerThan: "2h" } }, "spec.tracing.keepSlowerThan: must be 1ms to 1h, or 0s: none"],
    [{ tracing: { propagation: ["None", "B3"] } }, "spec.tracing.propagation: None stands alone"],
    [{ metrics: { maxSeries: 5 } }, "spec.metrics.maxSeries: must be"],
    [
      { metrics: { labels: [{ name: "__a", value: "route" }] } },
      "spec.metrics.labels[0].name: must be letters",
    ],
    [
      {
        metrics: {
          labels: [
            { name: "a.b", value: "route" },
            { name: "a_b", value: "rule" },
          ],
        },
      },
      "spec.metrics.labels[1].name: a_b is the same label as a.b",
    ],
    [{ accessLog: { textFormat: "%DURATION%" } }, "spec.accessLog.textFormat: has no meaning without"],
    [{ accessLog: { format: "Text", textFormat: "100%" } }, "spec.accessLog.textFormat: must be text with"],
    [{ redaction: { headers: ["*a"] } }, "spec.redaction.headers[0]: must be the name of a header"],
    [{ redaction: { pathTemplates: ["/users"] } }, "spec.redaction.pathTemplates[0]: must have a variable"],
    [
      { redaction: { pathTemplates: ["/a-{id}"] } },
      'spec.redaction.pathTemplates[0]: has the segment "a-{*}"',
    ],
    [{ collectors: [{ backendRef: { name: "a" } }] }, "spec.collectors[0].backendRef.port: is required"],
    [
      { collectors: [{ backendRef, path: "/a" }] },
      "spec.collectors[0].path: has no meaning without protocol",
    ],
    [
      { collectors: [{ backendRef, headers: [{ name: "Content-Type", value: "a" }] }] },
      "spec.collectors[0].headers[0].name: is the protocol's own",
    ],
    [{ collectors: [{ backendRef, timeout: "2m" }] }, "spec.collectors[0].timeout: must be 10ms to 1m"],
  ])("%j: %s", (said, issue) => {
    const issues = issuesOf({ ...here, ...said });
    expect(issues).toHaveLength(1);
    expect(issues[0]).toStartWith(issue);
  });

  test("says at a route nothing that is a whole proxy's, and no empty list", () => {
    const issues = issuesOf({
      ...atRoute,
      collectors: [],
      metrics: { maxSeries: 100, labels: [] },
      redaction: { headers: [] },
    });
    expect(issues.map((issue) => issue.split(": ")[0])).toEqual([
      "spec.collectors",
      "spec.metrics.maxSeries",
      "spec.metrics.labels",
      "spec.redaction.headers",
    ]);
  });

  test("is aimed at what there is traffic of", () => {
    const tracing = { enabled: false };
    expect(issuesOf({ targetRefs: [{ kind: "Gateway", name: "a", sectionName: "b" }], tracing })).toEqual([
      "spec.targetRefs[0].sectionName: must be absent; a Gateway has no sections",
    ]);
    expect(issuesOf({ targetRefs: [{ kind: "MeshConfig", name: "mesh" }], tracing })[0]).toStartWith(
      "spec.targetRefs[0].kind: must be one of Namespace, Service, Gateway",
    );
    expect(issuesOf({ tracing })).toEqual(["spec: must have exactly one of targetRefs, selector"]);
  });
});

test("MeshConfig says the same, under its own path", () => {
  expect(
    issuesOf({ telemetry: { collectors: [{ backendRef }], tracing: { samplingPercent: 5 } } }, "MeshConfig"),
  ).toEqual([]);
  expect(issuesOf({ telemetry: { tracing: { samplingPercent: 0.00001 } } }, "MeshConfig")).toEqual([
    "spec.telemetry.tracing.samplingPercent: must have at most four digits behind the point",
  ]);
});

describe("annotations of a workload", () => {
  const ports = [{ port: 8080 }];
  const scrape = { "prometheus.io/scrape": "true" };

  test("say where the application's own metrics are", () => {
    expect(metricsPlace(undefined, ports)).toBeUndefined();
    expect(metricsPlace({ "prometheus.io/port": "9090" }, ports)).toBeUndefined();
    expect(metricsPlace(scrape, ports)).toEqual({ port: 8080, path: "/metrics" });
    const all = { ...scrape, "prometheus.io/port": "9090", "prometheus.io/path": "/stats?a=b" };
    expect(metricsPlace(all, ports)).toEqual({ port: 9090, path: "/stats?a=b" });
    expect(metricsPlace({ ...scrape, "prometheus.io/port": "0" }, ports)).toBeUndefined();
    expect(metricsPlace({ ...scrape, "prometheus.io/path": "/\r\nx: y" }, ports)).toBeUndefined();
  });

  test.each<[Record<string, string>, string]>([
    [{ "prometheus.io/scrape": "yes" }, '["prometheus.io/scrape"]: must be "true" or "false"'],
    [scrape, '["prometheus.io/port"]: is required where the workload has no ports'],
    [{ ...scrape, "prometheus.io/port": "70000" }, '["prometheus.io/port"]: must be a port in quotes'],
    [
      { ...scrape, "prometheus.io/port": "1", "prometheus.io/path": "stats" },
      '["prometheus.io/path"]: must be a path',
    ],
  ])("%j: %s", (annotations, issue) => {
    const parsed = parseObject(
      {
        apiVersion: "weft.dev/v1alpha1",
        kind: "MeshWorkload",
        metadata: { name: "a", annotations },
        spec: { addresses: ["10.0.0.1"] },
      },
      "write",
    );
    const issues = "issues" in parsed ? parsed.issues : [];
    expect(issues.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      expect.stringContaining(`metadata.annotations${issue}`),
    ]);
  });
});
