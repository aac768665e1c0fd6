/** Golden signals: bounded label sets, deltas for the control plane, text for Prometheus. */
import { describe, expect, test } from "bun:test";
import { CounterFamily } from "./counters.ts";
import { encodeMetrics } from "./prometheus.ts";
import { ReportBuilder } from "./report.ts";
import { SeriesRegistry } from "./series.ts";
import { testLabels as labels } from "./testing.ts";

describe("SeriesRegistry", () => {
  test("gives the same handle for equal labels", () => {
    const registry = new SeriesRegistry();
    expect(registry.edge({ ...labels })).toBe(registry.edge({ ...labels }));
    expect(registry.edge({ ...labels, route: "" })).not.toBe(registry.edge(labels));
    const edge = registry.edge(labels);
    const cell = edge.http("GET", 200, undefined, undefined);
    expect(edge.http("GET", 200, undefined, undefined)).toBe(cell);
    const others = [
      edge.http("POST", 200, undefined, undefined),
      edge.http("GET", 204, undefined, undefined),
      edge.http("GET", 200, 0, undefined),
      edge.http("GET", 200, undefined, "fault_injected"),
    ];
    expect(new Set([cell, ...others]).size).toBe(5);
    expect(edge.http("GET", 200, undefined, undefined)).toBe(cell);
  });

  test("what does not fit is counted under overflow and nothing is lost", () => {
    const registry = new SeriesRegistry(3);
    for (let i = 0; i < 10; i++) {
      registry
        .edge({ ...labels, destinationWorkload: `default/w-${i}` })
        .http("GET", 200, undefined, undefined)
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
    edge.http("GET", 200, undefined, undefined).record(1, 0, 0);
    edge.http("GET", 503, undefined, "no_endpoint").record(1, 0, 0);
    expect(registry.cellCount).toBe(1);
    expect([...registry.edges()].map((e) => e.labels.destinationService)).toEqual([
      "default/cart",
      "overflow",
    ]);
  });

  test("an edge without traffic for long is let go and its holders are told", () => {
    const registry = new SeriesRegistry();
    const edge = registry.edge(labels);
    edge.http("GET", 200, undefined, undefined).record(1, 0, 0);
    const reports = new ReportBuilder(registry, "default/web-1", () => 0);
    reports.take();
    for (let i = 0; i < 800; i++) reports.take();
    expect(edge.isEvicted).toBe(true);
    expect(registry.cellCount).toBe(0);
  });
});

describe("the overflow", () => {
  /** Reports in which nothing is told, until what is idle has gone. */
  function rest(registry: SeriesRegistry): void {
    const reports = new ReportBuilder(registry, "default/web-1", () => 0);
    for (let i = 0; i < 800; i++) reports.take();
  }

  test("tells failures from the rest, by classes of statuses alone", () => {
    const registry = new SeriesRegistry(1);
    const edge = registry.edge(labels);
    edge.http("GET", 200, undefined, undefined).record(1, 0, 0);
    for (const method of ["PUT", "POST", "BREW"]) {
      for (const status of [201, 204]) edge.http(method, status, undefined, undefined).record(1, 0, 0);
      edge.http(method, 503, undefined, "no_endpoint").record(1, 0, 0);
      edge.http(method, 403, 7, "authorization_denied").record(1, 0, 0);
    }
    expect([registry.cellCount, registry.droppedSeries]).toEqual([1, 12]);
    const shown = encodeMetrics(registry, [])
      .split("\n")
      .filter((line) => /_duration_seconds_count\{.*overflow/.test(line))
      .map((line) => line.slice(line.indexOf("mtls=")));
    expect(shown.toSorted()).toEqual([
      'mtls="false",http_response_status_code="2xx"} 6',
      'mtls="false",http_response_status_code="4xx",error_type="_OTHER"} 3',
      'mtls="false",http_response_status_code="5xx",error_type="_OTHER"} 3',
    ]);
  });

  test("lends no longer than there is no room, to holders of handles too", () => {
    const registry = new SeriesRegistry(2);
    const first = registry.edge(labels);
    first.http("GET", 200, undefined, undefined).record(1, 0, 0);
    first.http("GET", 404, undefined, undefined).record(1, 0, 0);
    const lent = first.http("GET", 500, undefined, undefined);
    const refused = registry.edge({ ...labels, route: "default/other" });
    expect([refused.isOverflow, refused.isEvicted]).toEqual([true, false]);
    rest(registry);
    expect(registry.cellCount).toBe(0);
    expect([first.isEvicted, refused.isEvicted]).toEqual([true, true]);
    const again = registry.edge(labels);
    expect(again.http("GET", 500, undefined, undefined)).not.toBe(lent);
  });

  test("outcomes that no longer come make room on an edge that is busy", () => {
    const registry = new SeriesRegistry(2);
    const edge = registry.edge(labels);
    const reports = new ReportBuilder(registry, "default/web-1", () => 0);
    edge.http("GET", 404, undefined, undefined).record(1, 0, 0);
    for (let i = 0; i < 800; i++) {
      edge.http("GET", 200, undefined, undefined).record(1, 0, 0);
      reports.take();
    }
    expect(edge.isEvicted).toBe(false);
    expect(edge.cells).toHaveLength(1);
  });

  test("a connection that is open keeps its series however long nothing is carried", () => {
    const registry = new SeriesRegistry();
    const edge = registry.edge({ ...labels, protocol: "tcp" });
    const cell = edge.tcp(undefined);
    cell.open();
    rest(registry);
    expect([edge.isEvicted, cell.openNow]).toEqual([false, 1]);
    cell.observe(1);
    rest(registry);
    expect(edge.isEvicted).toBe(true);
  });

  test("more room by configuration is there at once, less takes nothing away", () => {
    const registry = new SeriesRegistry(1);
    const edge = registry.edge(labels);
    edge.http("GET", 200, undefined, undefined).record(1, 0, 0);
    expect(registry.edge({ ...labels, route: "" }).isOverflow).toBe(true);
    registry.configure({ maxSeries: 2 });
    expect(registry.edge({ ...labels, route: "" }).isOverflow).toBe(false);
    registry.configure({ maxSeries: 1 });
    expect([registry.cellCount, edge.isEvicted]).toEqual([1, false]);
    registry.configure({ maxSeries: 0 });
    expect(registry.maxSeries).toBe(2_000);
  });
});

describe("ReportBuilder", () => {
  test("reports each request once, and nothing when nothing happened", () => {
    let nowMs = 1_000;
    const registry = new SeriesRegistry();
    const reports = new ReportBuilder(registry, "default/web-1", () => nowMs);
    const cell = registry.edge(labels).http("GET", 200, undefined, undefined);
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
    const cell = registry
      .edge({ ...labels, destinationVersion: 'a"b\\c\nd' })
      .http("GET", 200, undefined, undefined);
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
    expect(bucket("10.0")).toBe("2");
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
