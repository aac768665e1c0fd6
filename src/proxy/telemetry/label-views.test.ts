/** What TelemetryPolicy makes of labels: each request is counted once, in a series that has just the labels that it wants. */
import { expect, test } from "bun:test";
import type { TelemetryFacts } from "../../decide/telemetry/index.ts";
import { encodeMetrics } from "./prometheus.ts";
import { ReportBuilder } from "./report.ts";
import { SeriesRegistry } from "./series.ts";
import { sampleOf, testLabels, testMetrics } from "./testing.ts";

const facts = (requestId: string): TelemetryFacts => ({
  direction: "outbound",
  sourceWorkload: "",
  sourceIdentity: "",
  destinationWorkload: "",
  destinationIdentity: "",
  destinationService: "",
  destinationPort: 0,
  route: "",
  rule: "",
  peerAddress: "",
  isMutualTls: true,
  requestId,
  http: undefined,
  reason: "",
  durationUs: 0,
  requestBytes: 0,
  responseBytes: 0,
});

test("a policy that says nothing of labels changes nothing", () => {
  const registry = new SeriesRegistry();
  const edge = registry.edge(testLabels);
  expect(registry.under(edge, testMetrics({}))).toBe(edge);
});

test("dropped labels are not written, and what differed by them alone is one series", () => {
  const registry = new SeriesRegistry();
  const dropped = new Set([
    "destination_workload",
    "http_request_method",
    "http_response_status_code",
    "source_identity",
  ]);
  const metrics = testMetrics({ dropped });
  for (const workload of ["a", "b"]) {
    const edge = registry.edge({ ...testLabels, destinationWorkload: `default/${workload}` });
    const counted = registry.under(edge, metrics);
    expect(registry.under(edge, metrics)).toBe(counted);
    counted.http("GET", 200, undefined, undefined).record(1, 0, 0);
    counted.http("POST", 204, undefined, undefined).record(1, 0, 0);
    counted.http("POST", 503, undefined, "no_endpoint").record(1, 0, 0);
  }
  expect(registry.cellCount).toBe(2);
  const page = encodeMetrics(registry, []);
  for (const label of dropped) expect(page).not.toContain(`${label}=`);
  expect(sampleOf(page, /^http_client_request_duration_seconds_count\{(?!.*error_type)/)).toBe(4);
  expect(sampleOf(page, /^http_client_request_duration_seconds_count\{.*error_type="no_endpoint"/)).toBe(2);
  const report = new ReportBuilder(registry, "default/web-1", () => 0).take();
  // The control plane believes a proxy by its own identity.
  expect(report?.edges.map(({ sourceIdentity }) => sourceIdentity)).toEqual([
    testLabels.sourceIdentity,
    testLabels.sourceIdentity,
  ]);
  expect(report?.edges.map(({ responseClass, responseCode }) => [responseClass, responseCode])).toEqual([
    ["2xx", 0],
    ["5xx", 0],
  ]);
});

test("added labels have a series for each value, cut to a length, the same one for the same value", () => {
  const registry = new SeriesRegistry();
  const edge = registry.edge(testLabels);
  const read = ({ requestId }: TelemetryFacts): string => requestId;
  const metrics = testMetrics({
    labels: [
      { name: "tenant", read },
      { name: "tenant", read },
      { name: "le", read },
    ],
  });
  const of = (id: string) => registry.under(edge, metrics, () => facts(id));
  expect(of("a")).toBe(of("a"));
  expect(of("a")).not.toBe(of("b"));
  of("a").http("GET", 200, undefined, undefined).record(1, 0, 0);
  of("b").http("GET", 200, undefined, undefined).record(1, 0, 0);
  of("b").http("GET", 200, undefined, undefined).record(1, 0, 0);
  of("x".repeat(5_000)).http("GET", 200, undefined, undefined).record(1, 0, 0);
  const page = encodeMetrics(registry, []);
  expect(sampleOf(page, /_seconds_count\{.*,tenant="a"\}/)).toBe(1);
  expect(sampleOf(page, /_seconds_count\{.*,tenant="b"\}/)).toBe(2);
  expect(sampleOf(page, /_seconds_count\{.*,tenant="x{128}"\}/)).toBe(1);
  expect(page).not.toContain('le="a"');
});

test("values that a caller makes up use the budget up, and no more than that", () => {
  const registry = new SeriesRegistry();
  const edge = registry.edge(testLabels);
  const labels = [{ name: "tenant", read: ({ requestId }: TelemetryFacts) => requestId }];
  const metrics = testMetrics({ maxSeries: 5, labels });
  for (let i = 0; i < 100; i++) {
    registry
      .under(edge, metrics, () => facts(`t${i}`))
      .http("GET", 200, undefined, undefined)
      .record(1, 0, 0);
  }
  expect([registry.maxSeries, registry.cellCount]).toEqual([5, 4]);
  const page = encodeMetrics(registry, []);
  expect(sampleOf(page, /_seconds_count\{.*destination_service="overflow"/)).toBe(96);
});

test("metrics that are off are not written, and the control plane is told all the same", () => {
  const registry = new SeriesRegistry();
  const edge = registry.under(registry.edge(testLabels), testMetrics({ isEnabled: false }));
  edge.http("GET", 200, undefined, undefined).record(1, 0, 0);
  expect(encodeMetrics(registry, [])).not.toContain("default/cart");
  expect(new ReportBuilder(registry, "default/web-1", () => 0).take()?.edges).toHaveLength(1);
});

test("Istio's names stand beside weft's own where they are asked for, each series with a name of its own", () => {
  const registry = new SeriesRegistry();
  const metrics = testMetrics({ hasIstioNames: true });
  const record = (route: string, status: number): void =>
    registry
      .under(registry.edge({ ...testLabels, route }), metrics)
      .http("GET", status, undefined, status === 503 ? "no_endpoint" : undefined)
      .record(20_000, 50, 5_000);
  record("default/a", 200);
  record("default/b", 200);
  record("default/b", 503);
  const tcp = registry.under(registry.edge({ ...testLabels, protocol: "tcp" }), metrics).tcp(undefined);
  tcp.open();
  tcp.transfer(3, 4);
  const page = encodeMetrics(registry, []);
  expect(sampleOf(page, /^http_client_request_duration_seconds_count\{.*http_route="default\/a"/)).toBe(1);
  const requests = page.split("\n").filter((line) => line.startsWith("istio_requests_total{"));
  expect(new Set(requests).size).toBe(3);
  expect(requests[0]).toBe(
    'istio_requests_total{reporter="source",source_workload="web-1",source_workload_namespace="default",' +
      'source_principal="spiffe://mesh/ns/default/sa/web",source_app="web-1",source_version="v3",' +
      'source_canonical_service="web-1",source_canonical_revision="v3",destination_workload="cart-1",' +
      'destination_workload_namespace="default",destination_principal="spiffe://mesh/ns/default/sa/cart",' +
      'destination_app="cart-1",destination_version="v1",destination_service="cart.default.svc.cluster.local",' +
      'destination_service_name="cart",destination_service_namespace="default",destination_canonical_service="cart-1",' +
      'destination_canonical_revision="v1",request_protocol="http",response_code="200",response_flags="-",' +
      'connection_security_policy="mutual_tls",source_locality="north/a",destination_locality="north/b",' +
      'destination_port="80",http_route="default/a",http_request_method="GET"} 1',
  );
  expect(requests[2]).toContain('response_code="503",response_flags="UH"');
  expect(sampleOf(page, /^istio_request_duration_milliseconds_bucket\{.*le="25\.0"/)).toBe(1);
  expect(sampleOf(page, /^istio_request_duration_milliseconds_bucket\{.*le="15\.0"/)).toBe(0);
  expect(sampleOf(page, /^istio_request_bytes_bucket\{.*le="100\.0"/)).toBe(1);
  expect(sampleOf(page, /^istio_response_bytes_sum/)).toBe(5_000);
  expect(sampleOf(page, /^istio_tcp_sent_bytes_total/)).toBe(4);
  expect(sampleOf(page, /^istio_tcp_received_bytes_total/)).toBe(3);
});
