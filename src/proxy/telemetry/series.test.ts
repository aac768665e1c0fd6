/** Golden signals: bounded label sets, deltas for the control plane, text for Prometheus. */
import { describe, expect, test } from "bun:test";
import { CounterFamily } from "./counters.ts";
import { encodeMetrics } from "./prometheus.ts";
import { ReportBuilder } from "./report.ts";
import { type EdgeLabels, SeriesRegistry } from "./series.ts";

const labels: EdgeLabels = {
  direction: "outbound",
  sourceWorkload: "default/web-1",
  sourceIdentity: "spiffe://mesh/ns/default/sa/web",
  destinationWorkload: "default/cart-1",
  destinationIdentity: "spiffe://mesh/ns/default/sa/cart",
  destinationService: "default/cart",
  destinationPort: 80,
  destinationVersion: "v1",
  route: "default/split",
  protocol: "http",
  mtls: true,
};

describe("SeriesRegistry", () => {
  test("gives the same handle for equal labels", () => {
    const registry = new SeriesRegistry();
    expect(registry.edge({ ...labels })).toBe(registry.edge({ ...labels }));
    expect(registry.edge({ ...labels, route: "" })).not.toBe(registry.edge(labels));
    expect(registry.edge(labels).http(200, undefined)).toBe(registry.edge(labels).http(204, undefined));
    expect(registry.edge(labels).http(503, "no_endpoint")).not.toBe(
      registry.edge(labels).http(503, undefined),
    );
  });

  test("what does not fit is counted under overflow and nothing is lost", () => {
    const registry = new SeriesRegistry(3);
    for (let i = 0; i < 10; i++) {
      registry
        .edge({ ...labels, destinationWorkload: `default/w-${i}` })
        .http(200, undefined)
        .record(1_000, 1, 2);
    }
    expect(registry.cellCount).toBe(3);
    expect(registry.droppedSeries).toBe(7);
    let total = 0;
    for (const edge of registry.edges()) for (const cell of edge.cells) total += cell.count;
    expect(total).toBe(10);
  });

  test("a new outcome of a known edge counts against the bound too", () => {
    const registry = new SeriesRegistry(1);
    const edge = registry.edge(labels);
    edge.http(200, undefined).record(1, 0, 0);
    edge.http(503, "no_endpoint").record(1, 0, 0);
    expect(registry.cellCount).toBe(1);
    expect([...registry.edges()].map((e) => e.labels.destinationService)).toEqual([
      "default/cart",
      "overflow",
    ]);
  });

  test("an edge without traffic for long is let go and its holders are told", () => {
    const registry = new SeriesRegistry();
    const edge = registry.edge(labels);
    edge.http(200, undefined).record(1, 0, 0);
    const reports = new ReportBuilder(registry, "default/web-1", () => 0);
    reports.take();
    for (let i = 0; i < 800; i++) reports.take();
    expect(edge.isEvicted).toBe(true);
    expect(registry.cellCount).toBe(0);
  });
});

describe("ReportBuilder", () => {
  test("reports each request once, and nothing when nothing happened", () => {
    let nowMs = 1_000;
    const registry = new SeriesRegistry();
    const reports = new ReportBuilder(registry, "default/web-1", () => nowMs);
    const cell = registry.edge(labels).http(200, undefined);
    cell.record(1_500, 10, 20);
    cell.record(2_500, 10, 20);
    nowMs = 2_000;
    const first = reports.take();
    expect(first?.edges.length).toBe(1);
    expect(first?.edges[0]?.count).toBe(2n);
    expect(first?.edges[0]?.requestBytes).toBe(20n);
    expect(first?.edges[0]?.duration?.counts.reduce((a, b) => a + b, 0)).toBe(2);
    expect(first?.edges[0]?.duration?.sumUs).toBe(4_000n);
    expect([first?.startUnixMs, first?.endUnixMs]).toEqual([1_000n, 2_000n]);
    expect(reports.take()).toBeUndefined();
    cell.record(100, 0, 0);
    expect(reports.take()?.edges[0]?.count).toBe(1n);
    expect(cell.count).toBe(3);
  });
});

describe("encodeMetrics", () => {
  test("writes cumulative buckets, sums in seconds and escaped labels", () => {
    const registry = new SeriesRegistry();
    const cell = registry.edge({ ...labels, destinationVersion: 'a"b\\c\nd' }).http(200, undefined);
    cell.record(400, 0, 7);
    cell.record(5_000, 0, 0);
    cell.record(60_000_000, 0, 0);
    const text = encodeMetrics(registry, []);
    const bucket = (le: string): string | undefined =>
      new RegExp(
        `http_client_request_duration_seconds_bucket\\{.*le="${le.replace("+", "\\+")}"\\} (\\d+)`,
      ).exec(text)?.[1];
    expect(bucket("0.0005")).toBe("1");
    expect(bucket("0.0025")).toBe("1");
    expect(bucket("0.005")).toBe("2");
    expect(bucket("10")).toBe("2");
    expect(bucket("+Inf")).toBe("3");
    expect(text).toContain('destination_version="a\\"b\\\\c\\nd"');
    expect(text).toMatch(/http_client_request_duration_seconds_sum\{.*\} 60\.0054/);
    expect(text).not.toMatch(/http_server_request_duration_seconds_bucket/);
  });

  test("writes counters with and without labels", () => {
    const refused = new CounterFamily("weft_refused_total", "Refused.", ["reason"]);
    refused.of("mtls_required").value = 2;
    const plain = new CounterFamily("weft_plain_total", "Plain.");
    plain.of().value = 1;
    const text = encodeMetrics(new SeriesRegistry(), [refused, plain]);
    expect(text).toContain("# TYPE weft_refused_total counter\n");
    expect(text).toContain('\nweft_refused_total{reason="mtls_required"} 2\n');
    expect(text).toContain("\nweft_plain_total 1\n");
  });
});
