/** Pages of metrics in both formats: names, escapes, exemplars, and what Prometheus' own checker says of them. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { CounterFamily } from "./counters.ts";
import { encodeMetrics, metricSlices } from "./prometheus.ts";
import { answerScrape } from "./metrics-page.ts";
import { SampleWriter } from "./sample-writer.ts";
import { SeriesRegistry } from "./series.ts";
import { sampleOf, testLabels, testMetrics } from "./testing.ts";

const promtool = "/usr/bin/promtool";

function filled(edges = 3): SeriesRegistry {
  const registry = new SeriesRegistry();
  const metrics = testMetrics({ hasIstioNames: true });
  for (let i = 0; i < edges; i++) {
    const labels = {
      ...testLabels,
      destinationWorkload: `default/cart-${i}`,
      destinationVersion: 'a"b\\c\nd}#',
    };
    const edge = registry.under(registry.edge(labels), metrics);
    edge.http("GET", 200, undefined, undefined).record(20_000, 10, 20);
    edge.http("POST", 200, 14, "upstream_reset").record(2_000, 10, 20);
    const inbound = registry.edge({ ...labels, direction: "inbound" });
    inbound.http("BREW", 404, undefined, undefined).record(90_000_000, 1, 2);
    const tcp = registry.under(registry.edge({ ...labels, protocol: "tcp" }), metrics);
    tcp.tcp(undefined).open();
    tcp.tcp(undefined).transfer(7, 8);
    tcp.tcp("upstream_connect_failed").open();
  }
  return registry;
}

describe("labels", () => {
  const page = encodeMetrics(filled(1), []);

  test("follow the conventions; those that are empty are left out", () => {
    expect(page).toContain(
      '\nhttp_server_request_duration_seconds_count{source_workload="default/web-1",source_namespace="default",' +
        'source_identity="spiffe://mesh/ns/default/sa/web",source_version="v3",source_locality="north/a",' +
        'destination_workload="default/cart-0",destination_namespace="default",' +
        'destination_identity="spiffe://mesh/ns/default/sa/cart",destination_service="default/cart",destination_port="80",' +
        'destination_version="a\\"b\\\\c\\nd}#",destination_locality="north/b",http_route="default/split",' +
        'network_protocol_name="http",mtls="true",http_request_method="_OTHER",http_response_status_code="404"} 1\n',
    );
    expect(page).not.toContain('=""');
  });

  test("say of gRPC the status, and of what failed why", () => {
    const grpc =
      'network_protocol_name="grpc",mtls="true",http_request_method="POST",http_response_status_code="200"';
    expect(page).toContain(`${grpc},rpc_grpc_status_code="14",error_type="upstream_reset"} 1\n`);
  });

  test("of connections: opened, open, failed", () => {
    expect(sampleOf(page, /^weft_tcp_connections_opened_total\{direction="outbound"/)).toBe(1);
    expect(sampleOf(page, /^weft_tcp_connections_closed_total\{/)).toBe(0);
    expect(sampleOf(page, /^weft_tcp_connections_open\{/)).toBe(1);
    expect(sampleOf(page, /^weft_tcp_connections_failed_total\{.*error_type="upstream_connect_failed"/)).toBe(
      1,
    );
    expect(sampleOf(page, /^weft_tcp_sent_bytes_total\{/)).toBe(7);
    expect(page.split("\n").filter((line) => line.startsWith("weft_tcp_connections_open{"))).toHaveLength(1);
  });

  test("an error of the server is one without a reason too", () => {
    const registry = new SeriesRegistry();
    registry.edge(testLabels).http("GET", 500, undefined, undefined).record(1, 0, 0);
    registry.edge(testLabels).http("GET", 404, undefined, undefined).record(1, 0, 0);
    const text = encodeMetrics(registry, []);
    expect(sampleOf(text, /_duration_seconds_count\{.*"500",error_type="500"\}/)).toBe(1);
    expect(sampleOf(text, /_duration_seconds_count\{.*"404"\}/)).toBe(1);
  });
});

describe("OpenMetrics", () => {
  const dropped = new CounterFamily("weft_spans_total", 'Says "spans".');
  dropped.of().value = 3;

  test("names counters without _total, their samples with it, and ends with an end mark", async () => {
    const response = await answerScrape(
      { series: filled(1), families: [dropped] },
      "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
    );
    const page = await response.text();
    expect(response.headers.get("content-type")).toBe(
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    expect(page).toContain(
      '# HELP weft_spans Says \\"spans\\".\n# TYPE weft_spans counter\nweft_spans_total 3\n',
    );
    expect(page).toContain("# TYPE weft_tcp_connections_opened counter\nweft_tcp_connections_opened_total{");
    expect(page.endsWith("\n# EOF\n")).toBe(true);
    expect(page.match(/# EOF/g)).toHaveLength(1);
    // Every family once, and no counter that its name does not show.
    const types = page.split("\n").filter((line) => line.startsWith("# TYPE "));
    expect(new Set(types).size).toBe(types.length);
    const counters = types
      .filter((line) => line.endsWith(" counter"))
      .map((line) => line.split(" ")[2] ?? "");
    for (const name of counters) expect(page).not.toMatch(new RegExp(`^${name}[ {]`, "m"));
  });

  test("shows the newest trace of a bucket, and the other format none", () => {
    const registry = new SeriesRegistry();
    const cell = registry.edge(testLabels).http("GET", 200, undefined, undefined);
    for (const [traceId, durationUs] of [
      ["aa", 1_200],
      ["bb", 1_300],
      ["cc", 30_000_000],
    ] as const) {
      cell.record(durationUs, 0, 0);
      cell.exemplify({ traceId, durationUs, timeMs: 1_700_000_000_500 });
    }
    const page = encodeMetrics(registry, [], "openmetrics");
    const shown = page.split("\n").filter((line) => line.includes(" # {"));
    expect(shown.map((line) => line.slice(line.indexOf("le=")))).toEqual([
      'le="0.0025"} 2 # {trace_id="bb"} 0.0013 1700000000.5',
      'le="+Inf"} 3 # {trace_id="cc"} 30 1700000000.5',
    ]);
    expect(encodeMetrics(registry, [])).not.toContain("trace_id");
  });
});

test("a large page comes in slices, and is the same as the whole one", async () => {
  const source = { series: filled(200), families: [] };
  const slices = [...metricSlices(source, new SampleWriter("text"))];
  expect(slices.length).toBeGreaterThan(10);
  const whole = encodeMetrics(source.series, []);
  expect(slices.join("")).toBe(whole);
  const response = await answerScrape(source, null);
  expect(await response.text()).toBe(whole);
});

test.skipIf(!existsSync(promtool))(
  `promtool check metrics finds nothing (skipped without ${promtool})`,
  async () => {
    const run = Bun.spawn([promtool, "check", "metrics"], {
      stdin: new TextEncoder().encode(encodeMetrics(filled(), [])),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()]);
    await run.exited;
    // Istio's own names are what they are.
    const problems = `${out}${err}`.split("\n").filter((line) => line !== "" && !line.startsWith("istio_"));
    expect(problems).toEqual([]);
  },
);
