/** Reports to the control plane: in parts that each take a moment, everything once, nothing from an idle proxy. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { type EjectedEndpoint, EjectedEndpointSchema } from "../../wire/index.ts";
import { CounterFamily } from "./counters.ts";
import { PlaintextCallers } from "./plaintext-callers.ts";
import { PolicyCounters } from "./policy-counters.ts";
import { RecentRefusals } from "./refusals.ts";
import { type PolicyReports, ReportBuilder } from "./report.ts";
import { RuleHits } from "./rule-hits.ts";
import { SeriesRegistry } from "./series.ts";
import { testLabels } from "./testing.ts";

function setUp() {
  const registry = new SeriesRegistry();
  const retries = new CounterFamily("weft_retries_total", "Retries.", ["reason"]);
  const lost = { count: 0 };
  const ejected: EjectedEndpoint[] = [];
  const others: PolicyReports = {
    policies: new PolicyCounters(),
    refusals: new RecentRefusals(),
    plaintextCallers: new PlaintextCallers(),
    ruleHits: new RuleHits(),
    counters: [retries],
    reportDropped: () => void lost.count++,
    ejected: () => ejected,
  };
  const time = { nowMs: 1_000 };
  const reports = new ReportBuilder(registry, "default/web-1", () => time.nowMs, others);
  return { registry, retries, ejected, others, reports, time, lost };
}

test("many label sets are several reports of the same time", () => {
  const { registry, reports, time, retries } = setUp();
  for (let i = 0; i < 350; i++) {
    registry
      .edge({ ...testLabels, destinationWorkload: `default/cart-${i}` })
      .http("GET", 200, undefined, undefined)
      .record(1, 0, 0);
  }
  retries.of("http_503").value = 3;
  time.nowMs = 2_000;
  const first = reports.take();
  time.nowMs = 2_007;
  const parts = [first];
  while (reports.hasMore) parts.push(reports.take());
  expect(parts.map((part) => part?.edges.length)).toEqual([100, 100, 100, 50]);
  expect(new Set(parts.flatMap((part) => part?.edges.map((edge) => edge.destinationWorkload))).size).toBe(
    350,
  );
  for (const part of parts) expect([part?.startUnixMs, part?.endUnixMs]).toEqual([1_000n, 2_000n]);
  expect(parts.map((part) => part?.counters.length)).toEqual([1, 0, 0, 0]);
  expect([first?.series, first?.maxSeries]).toEqual([350, 2_000]);
  time.nowMs = 3_000;
  expect(reports.take()).toBeUndefined();
  expect(reports.hasMore).toBe(false);
});

test("an edge is told with all that tells it apart", () => {
  const { registry, reports } = setUp();
  registry.edge(testLabels).http("POST", 200, 0, undefined).record(1, 2, 3);
  registry.edge(testLabels).http("BREW", 503, undefined, "no_endpoint").record(1, 2, 3);
  const tcp = registry.edge({ ...testLabels, protocol: "tcp" });
  for (let i = 0; i < 3; i++) tcp.tcp(undefined).open();
  tcp.tcp(undefined).observe(5);
  tcp.tcp("upstream_reset").open();
  const edges = reports.take()?.edges ?? [];
  expect(edges).toMatchObject([
    {
      sourceVersion: "v3",
      sourceLocality: "north/a",
      destinationLocality: "north/b",
      responseClass: "2xx",
      responseCode: 200,
      grpcStatus: 1,
      method: "POST",
      reason: "",
      open: 0n,
    },
    { responseClass: "5xx", responseCode: 503, grpcStatus: 0, method: "_OTHER", reason: "no_endpoint" },
    { responseClass: "ok", responseCode: 0, method: "", count: 3n, open: 2n },
    { responseClass: "error", reason: "upstream_reset", count: 1n, open: 0n },
  ]);
});

test("rules, counters and ejected endpoints are told when they change, and nothing is told of an idle proxy", () => {
  const { reports, retries, others, ejected, registry } = setUp();
  expect(reports.take()).toBeUndefined();
  retries.of("http_503").value += 2;
  others.ruleHits.count({ kind: "HTTPRoute", route: "shop/web", section: "a" });
  expect(reports.take()).toMatchObject({
    counters: [{ name: "weft_retries_total", labels: { reason: "http_503" }, count: 2n }],
    ruleHits: [{ kind: "HTTPRoute", route: "shop/web", rule: "a", count: 1n }],
    hasEjected: false,
  });
  expect(reports.take()).toBeUndefined();
  ejected.push(
    create(EjectedEndpointSchema, { cluster: "shop/api:80", workload: "shop/api-1", address: "10.0.0.1" }),
  );
  expect(reports.take()).toMatchObject({ hasEjected: true, ejected: [{ workload: "shop/api-1" }] });
  expect(reports.take()).toBeUndefined();
  registry.edge(testLabels).http("GET", 200, undefined, undefined).record(1, 0, 0);
  // Whoever lost the report before learns it with the next one.
  expect(reports.take()).toMatchObject({ hasEjected: true, ejected: [{ workload: "shop/api-1" }] });
  ejected.pop();
  expect(reports.take()).toMatchObject({ hasEjected: true, ejected: [] });
  expect(reports.take()).toBeUndefined();
});

test("what is lost on the way is counted", () => {
  const { reports, lost } = setUp();
  reports.dropped();
  expect(lost.count).toBe(1);
});
