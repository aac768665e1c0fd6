/** The control plane's metrics are what Prometheus reads, whatever names hold. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { VirtualClock } from "../kernel/index.ts";
import { Aggregator } from "../observe/index.ts";
import { Direction, EdgeDeltaSchema, TelemetryReportSchema } from "../wire/index.ts";
import { encodeMetrics } from "./metrics.ts";

const identity = "spiffe://td/ns/default/sa/web";
const status = {
  revision: 7,
  sequence: 9,
  compiledRevision: 7,
  trustDomain: "td",
  version: "0",
  startTimeMs: 1500,
  isLivenessFrozen: false,
  proxies: [
    { id: "a", role: "sidecar", workload: "a", identity, connected: true, revision: 7 },
    { id: "b", role: "sidecar", workload: "b", identity, connected: true, revision: 6 },
    { id: "c", role: "sidecar", workload: "c", identity, connected: false, revision: 1 },
  ],
} as const;

const telemetry = {
  ...{ droppedSeries: 0, refusedEdges: 0, refusedReports: 0, refusedHits: 0, proxies: 3, intervalMs: 5_000 },
  ...{ series: { service: 2, workload: 5 }, bytes: { service: 100, workload: 200 }, isOnDisk: true },
};

function report(count: bigint, route: string): Uint8Array {
  const message = create(TelemetryReportSchema, {
    edges: [
      create(EdgeDeltaSchema, {
        direction: Direction.OUTBOUND,
        sourceIdentity: identity,
        sourceWorkload: "default/web",
        destinationService: "default/api",
        destinationPort: 80,
        protocol: "http",
        responseClass: "2xx",
        route,
        count,
        duration: { buckets: [1], counts: [Number(count)], sumUs: count * 1000n },
      }),
    ],
  });
  return toBinary(TelemetryReportSchema, message);
}

test("counters grow with every report and outlive the window", () => {
  const clock = new VirtualClock();
  const aggregator = new Aggregator({ clock });
  aggregator.receive(report(3n, "default/api"), identity);
  clock.advance(24 * 3_600_000);
  aggregator.receive(report(4n, "default/api"), identity);
  const text = encodeMetrics({
    status: { ...status, proxies: [...status.proxies] },
    totals: aggregator.totals.values(),
    refusals: new Map(),
    attestationRefusals: new Map(),
    apiRefusals: new Map([["peer_revoked", 2]]),
    decisions: [{ workload: "shop/web", policy: "P", rule: "r", verdict: "would_deny", count: 3 }],
    taps: { size: 1, refusedRecords: 2 },
    telemetry,
    keySets: {
      fetches: [
        { result: "fetched", count: 3 },
        { result: "failed", count: 1 },
      ],
      ages: [{ uri: 'https://issuer.example/"keys"', ageMs: 61_500 }],
    },
  });
  expect(text).toMatch(
    /^weft_mesh_exchanges_total\{direction="outbound",source_workload="default\/web",.*response_class="2xx".*\} 7$/m,
  );
  expect(text).toMatch(/^weft_mesh_exchange_seconds_total\{.*\} 0\.007$/m);
  expect(text).toContain('weft_control_proxies{connected="true"} 2\n');
  expect(text).toContain("weft_control_proxies_behind 1\n");
  expect(text).toContain('weft_control_api_refused_total{reason="peer_revoked"} 2\n');
  expect(text).toContain(
    'weft_mesh_policy_decisions_total{policy="P",rule="r",verdict="would_deny",workload="shop/web"} 3\n',
  );
  expect(text).toContain('weft_jwks_fetches_total{result="fetched"} 3\n');
  expect(text).toContain('weft_jwks_age_seconds{uri="https://issuer.example/\\"keys\\""} 61.5\n');
  expect(text.endsWith("\n")).toBe(true);
});

const promtool = "/usr/bin/promtool";
test.skipIf(!existsSync(promtool))("promtool finds nothing to say", async () => {
  const aggregator = new Aggregator({ clock: new VirtualClock() });
  aggregator.receive(report(1n, 'a"b\\c\nd'), identity);
  const text = encodeMetrics({
    status: { ...status, proxies: [...status.proxies] },
    totals: aggregator.totals.values(),
    refusals: new Map([["peer_revoked", 1]]),
    attestationRefusals: new Map([["process no_rule", 1]]),
    apiRefusals: new Map([["peer_revoked", 2]]),
    decisions: [{ workload: "shop/web", policy: "P", rule: "r", verdict: "would_deny", count: 3 }],
    taps: { size: 1, refusedRecords: 2 },
    telemetry,
    keySets: {
      fetches: [{ result: "fetched", count: 3 }],
      ages: [{ uri: "https://issuer.example/keys", ageMs: 5 }],
    },
  });
  const check = Bun.spawn([promtool, "check", "metrics"], {
    stdin: new Blob([text]),
    stdout: "pipe",
    stderr: "pipe",
  });
  expect([await check.exited, await new Response(check.stderr).text()]).toEqual([0, ""]);
});

test("a hostile label stays within its quotes", () => {
  const aggregator = new Aggregator({ clock: new VirtualClock() });
  aggregator.receive(report(1n, 'a"b\\c\nd'), identity);
  const text = encodeMetrics({
    status: { ...status, proxies: [] },
    totals: aggregator.totals.values(),
    refusals: new Map(),
    attestationRefusals: new Map(),
    apiRefusals: new Map([["peer_revoked", 2]]),
    decisions: [{ workload: "shop/web", policy: "P", rule: "r", verdict: "would_deny", count: 3 }],
    taps: { size: 1, refusedRecords: 2 },
    telemetry,
    keySets: { fetches: [], ages: [] },
  });
  expect(text).toContain('route="a\\"b\\\\c\\nd"');
});
