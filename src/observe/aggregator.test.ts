/** What the aggregator keeps, what it refuses and forgets, and what the topology makes of it. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { bucketOf, VirtualClock } from "../kernel/index.ts";
import { Direction, type EdgeDeltaSchema, TelemetryReportSchema } from "../wire/index.ts";
import { Aggregator, type AggregatorOptions } from "./aggregator.ts";
import { telemetryMethods } from "./telemetry-methods.ts";
import { topology } from "./topology.ts";

const web = "spiffe://a.weft/ns/default/sa/web";
const api = "spiffe://a.weft/ns/default/sa/api";

type Edge = MessageInitShape<typeof EdgeDeltaSchema>;

function edge(overrides: Edge = {}): Edge {
  return {
    direction: Direction.OUTBOUND,
    sourceWorkload: "default/web-1",
    sourceIdentity: web,
    destinationWorkload: "default/api-1",
    destinationIdentity: api,
    destinationService: "default/api",
    destinationPort: 80,
    protocol: "http",
    responseClass: "2xx",
    mtls: true,
    count: 1n,
    ...overrides,
  };
}

function setUp(options: Partial<AggregatorOptions> = {}) {
  const clock = new VirtualClock(1_700_000_000_000);
  const aggregator = new Aggregator({ clock, ...options });
  const report = (edges: Edge[], reporter = web, dropped = 0n): void =>
    aggregator.add(create(TelemetryReportSchema, { edges, droppedSeries: dropped }), reporter);
  return { clock, aggregator, report };
}

describe("window", () => {
  test("holds what was reported in it and forgets the rest", () => {
    const { clock, aggregator, report } = setUp();
    report([edge({ count: 100n })]);
    clock.advance(30_000);
    report([edge({ count: 20n })]);
    clock.advance(2_000);
    expect(topology(aggregator, 20).edges[0]?.count).toBe(20);
    expect(topology(aggregator, 60).edges[0]?.count).toBe(120);
    clock.advance(600_000);
    expect(topology(aggregator, 600).edges).toEqual([]);
    expect(aggregator.cellCount).toBe(0);
  });

  test("a rate is what was counted over the time that the slots cover", () => {
    const { clock, aggregator, report } = setUp();
    for (let second = 0; second < 60; second++) {
      report([edge({ count: 10n })]);
      clock.advance(1_000);
    }
    for (const window of [5, 12, 30, 60]) {
      expect(topology(aggregator, window).edges[0]?.requestsPerSecond ?? 10).toBeCloseTo(10, 5);
    }
  });

  test("a clock that is set back loses nothing", () => {
    const clock = new VirtualClock(1_700_000_000_000);
    let offsetMs = 0;
    const aggregator = new Aggregator({
      clock: {
        nowMs: () => clock.nowMs() - offsetMs,
        monotonicUs: () => 0,
        after: () => ({ cancel() {} }),
      },
    });
    aggregator.add(create(TelemetryReportSchema, { edges: [edge()] }), web);
    offsetMs = 60_000;
    aggregator.add(create(TelemetryReportSchema, { edges: [edge()] }), web);
    expect(aggregator.cellCount).toBe(1);
  });
});

describe("bounds", () => {
  test("what exceeds the series of a slot is counted in one overflow series", () => {
    const { aggregator, report } = setUp({ maxSeriesPerSlot: 3 });
    report(Array.from({ length: 10 }, (_, i) => edge({ destinationService: `default/s${i}`, count: 2n })));
    const { edges } = topology(aggregator, 60);
    expect(edges).toHaveLength(4);
    expect(edges.find((entry) => entry.source === "other")?.count).toBe(14);
    expect(edges.reduce((sum, entry) => sum + entry.count, 0)).toBe(20);
    expect(aggregator.droppedSeries).toBe(7);
  });

  test("cells are bounded over all slots, and come back when slots expire", () => {
    const { clock, aggregator, report } = setUp({ maxCells: 2, slots: 3 });
    report([edge({ route: "default/a" }), edge({ route: "default/b" })]);
    clock.advance(5_000);
    report([edge({ route: "default/c" })]);
    expect(aggregator.cellCount).toBe(3); // the overflow series itself
    expect(topology(aggregator, 5).edges.map((entry) => entry.source)).toContain("other");
    clock.advance(60_000);
    report([edge({ route: "default/d" })]);
    expect(topology(aggregator, 5).edges[0]?.route).toBe("default/d");
  });

  test("series that proxies dropped are visible", () => {
    const { aggregator, report } = setUp();
    report([], web, 5n);
    expect(aggregator.droppedSeries).toBe(5);
  });

  test.each([
    ["a label without end", edge({ route: "x".repeat(10_000) })],
    ["an unknown protocol", edge({ protocol: "smoke" })],
    ["no direction", edge({ direction: Direction.UNSPECIFIED })],
    ["an impossible port", edge({ destinationPort: 70_000 })],
    ["another's side", edge({ sourceIdentity: api })],
    ["another's inbound side", edge({ direction: Direction.INBOUND })],
  ])("refuses and counts %s", (_, refused) => {
    const { aggregator, report } = setUp();
    report([refused, edge()]);
    expect(topology(aggregator, 60).edges).toHaveLength(1);
    expect(aggregator.refusedEdges).toBe(1);
  });

  test("a bucket that does not exist is left out", () => {
    const { aggregator, report } = setUp();
    report([edge({ duration: { buckets: [4_000_000_000], counts: [1], sumUs: 1n } })]);
    expect(topology(aggregator, 60).edges[0]?.p50Ms).toBe(0);
  });
});

describe("topology", () => {
  test("quantiles come from the buckets of all reports", () => {
    const { aggregator, report } = setUp();
    const durations = (us: number, count: number): Edge =>
      edge({
        count: BigInt(count),
        duration: { buckets: [bucketOf(us)], counts: [count], sumUs: BigInt(us * count) },
      });
    report([durations(1_000, 89)]);
    report([durations(10_000, 10), durations(100_000, 1)]);
    const [entry] = topology(aggregator, 60).edges;
    expect(entry?.p50Ms).toBeCloseTo(1, 1);
    expect(Math.abs((entry?.p90Ms ?? 0) - 10)).toBeLessThan(0.4);
    expect(entry?.p99Ms).toBeLessThan(11);
  });

  test("failures are 5xx and what got no answer", () => {
    const { aggregator, report } = setUp();
    report([
      edge({ count: 6n }),
      edge({ count: 1n, responseClass: "4xx" }),
      edge({ count: 2n, responseClass: "5xx", reason: "no_endpoint" }),
      edge({ count: 1n, responseClass: "", reason: "upstream_reset" }),
    ]);
    const [entry] = topology(aggregator, 60).edges;
    expect(entry).toMatchObject({
      count: 10,
      failures: 3,
      successRate: 0.7,
      classes: { "2xx": 6, "4xx": 1, "5xx": 2 },
      reasons: [
        { reason: "no_endpoint", count: 2 },
        { reason: "upstream_reset", count: 1 },
      ],
    });
  });

  test("an exchange that both sides report counts once, as the caller saw it", () => {
    const { aggregator, report } = setUp();
    report([edge({ count: 10n, route: "default/r" })]);
    report([edge({ count: 9n, direction: Direction.INBOUND })], api);
    expect(topology(aggregator, 60).edges.map((entry) => entry.count)).toEqual([10]);
  });

  test("what only the callee saw counts", () => {
    const { aggregator, report } = setUp();
    const inbound = edge({
      direction: Direction.INBOUND,
      sourceWorkload: "",
      sourceIdentity: "",
      mtls: false,
    });
    report([inbound], api);
    const { edges, nodes } = topology(aggregator, 60);
    expect(edges[0]).toMatchObject({ source: "unknown", destination: "default/api-1", isMutualTls: false });
    expect(nodes.map((node) => [node.id, node.kind])).toEqual([
      ["default/api-1", "workload"],
      ["unknown", "unknown"],
    ]);
  });

  test("a node tells its role, and its version once somebody knew it", () => {
    const { aggregator, report } = setUp();
    report([edge({ responseClass: "5xx", reason: "no_endpoint" }), edge({ destinationVersion: "v2" })]);
    const { nodes } = topology(aggregator, 60, (workload) => workload === "default/web-1");
    expect(nodes.map((node) => [node.id, node.kind, node.version])).toEqual([
      ["default/api-1", "workload", "v2"],
      ["default/web-1", "gateway", ""],
    ]);
  });
});

test("a report without a proved identity is refused", () => {
  const { aggregator } = setUp();
  const methods = telemetryMethods(aggregator);
  const report = create(TelemetryReportSchema, { edges: [edge()] });
  expect(() => methods.report(report, undefined)).toThrow("certificate");
  expect(methods.report(report, web).intervalMs).toBe(5_000);
  expect(aggregator.cellCount).toBe(1);
});
