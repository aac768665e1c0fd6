/** What the aggregator keeps, what it refuses and forgets, and what the topology makes of it. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { bucketOf, VirtualClock } from "../kernel/index.ts";
import { Direction, type EdgeDeltaSchema, TelemetryReportSchema } from "../wire/index.ts";
import { Aggregator, type AggregatorOptions } from "./aggregator.ts";
import { telemetryMethods } from "./telemetry-methods.ts";
import { Reporters } from "./reporters.ts";
import { type NodeNames, type Topology, topology } from "./views/topology.ts";

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
    void aggregator.receive(bytesOf({ edges, droppedSeries: dropped }), reporter);
  const cells = (): number => {
    let count = 0;
    aggregator.detail.read(aggregator.detail.span(aggregator.detail.longestMs), () => count++);
    return count;
  };
  return { clock, aggregator, report, cells };
}

function bytesOf(report: MessageInitShape<typeof TelemetryReportSchema>): Uint8Array {
  return toBinary(TelemetryReportSchema, create(TelemetryReportSchema, report));
}

const nobody: NodeNames = { isGateway: () => false, serviceKind: () => undefined };

function workloads(aggregator: Aggregator, windowSeconds: number, names = nobody): Topology {
  return topology(aggregator, { windowSeconds }, names);
}

describe("window", () => {
  test("holds what was reported in it and forgets the rest", () => {
    const { clock, aggregator, report, cells } = setUp();
    report([edge({ count: 100n })]);
    clock.advance(30_000);
    report([edge({ count: 20n })]);
    clock.advance(2_000);
    expect(workloads(aggregator, 20).edges[0]?.count).toBe(20);
    expect(workloads(aggregator, 60).edges[0]?.count).toBe(120);
    clock.advance(600_000);
    expect(workloads(aggregator, 600).edges).toEqual([]);
    expect(cells()).toBe(0);
  });

  test("a rate is what was counted over the time that the slots cover", () => {
    const { clock, aggregator, report } = setUp();
    for (let second = 0; second < 60; second++) {
      report([edge({ count: 10n })]);
      clock.advance(1_000);
    }
    for (const window of [5, 12, 30, 60]) {
      expect(workloads(aggregator, window).edges[0]?.requestsPerSecond ?? 10).toBeCloseTo(10, 5);
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
        deadline: () => ({ cancel() {} }),
      },
    });
    aggregator.receive(bytesOf({ edges: [edge()] }), web);
    offsetMs = 60_000;
    aggregator.receive(bytesOf({ edges: [edge()] }), web);
    expect(workloads(aggregator, 120).edges.map(({ count }) => count)).toEqual([2]);
  });
});

describe("bounds", () => {
  test("what exceeds the series is counted in one overflow series", () => {
    const { aggregator, report } = setUp({ maxSeries: 2 });
    report(Array.from({ length: 10 }, (_, i) => edge({ destinationService: `default/s${i}`, count: 2n })));
    const { edges } = workloads(aggregator, 60);
    expect(edges).toHaveLength(4);
    expect(edges.find((entry) => entry.source === "other")?.count).toBe(14);
    expect(edges.reduce((sum, entry) => sum + entry.count, 0)).toBe(20);
    expect(aggregator.droppedSeries).toBe(8);
  });

  test("callers that do not fit are counted together, each endpoint still by itself", () => {
    const { aggregator, report } = setUp({ maxSeries: 4 });
    report(
      ["a", "b", "c", "d", "e", "f", "g"].map((name) =>
        edge({ sourceWorkload: `default/${name}`, count: 2n }),
      ),
    );
    const { edges } = workloads(aggregator, 60);
    expect(edges).toHaveLength(5);
    expect(edges[0]).toMatchObject({ source: "other", destination: "default/api-1", count: 6 });
    expect(edges.reduce((sum, entry) => sum + entry.count, 0)).toBe(14);
  });

  test("series come free when a window passes without them", () => {
    const { clock, aggregator, report } = setUp({ maxSeries: 2, slots: 3 });
    report([edge({ route: "default/a" }), edge({ route: "default/b" })]);
    clock.advance(5_000);
    report([edge({ route: "default/c" })]);
    expect(workloads(aggregator, 5).edges.map((entry) => entry.source)).toEqual([
      "default/web-1",
      "default/web-1",
      "other",
    ]);
    clock.advance(60_000);
    report([edge({ route: "default/d" })]);
    expect(workloads(aggregator, 5).edges[0]?.route).toBe("default/d");
    expect(aggregator.detail.seriesCount).toBe(1);
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
    expect(workloads(aggregator, 60).edges).toHaveLength(1);
    expect(aggregator.refusedEdges).toBe(1);
  });

  test("a bucket that does not exist is left out", () => {
    const { aggregator, report } = setUp();
    report([edge({ duration: { buckets: [4_000_000_000], counts: [1], sumUs: 1n } })]);
    expect(workloads(aggregator, 60).edges[0]?.p50Ms).toBe(0);
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
    const [entry] = workloads(aggregator, 60).edges;
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
    const [entry] = workloads(aggregator, 60).edges;
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
    expect(workloads(aggregator, 60).edges.map((entry) => entry.count)).toEqual([10]);
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
    const { edges, nodes } = workloads(aggregator, 60);
    expect(edges[0]).toMatchObject({ source: "unknown", destination: "default/api-1", isMutualTls: false });
    expect(nodes.map((node) => [node.id, node.kind])).toEqual([
      ["default/api-1", "workload"],
      ["unknown", "unknown"],
    ]);
  });

  test("a node tells its role, and its version once somebody knew it", () => {
    const { aggregator, report } = setUp();
    report([edge({ responseClass: "5xx", reason: "no_endpoint" }), edge({ destinationVersion: "v2" })]);
    const { nodes } = workloads(aggregator, 60, {
      ...nobody,
      isGateway: (workload) => workload === "default/web-1",
    });
    expect(nodes.map((node) => [node.id, node.kind, node.version])).toEqual([
      ["default/api-1", "workload", "v2"],
      ["default/web-1", "gateway", ""],
    ]);
  });
});

describe("reports", () => {
  test("without a proved identity are refused", () => {
    const { aggregator, clock } = setUp();
    const methods = telemetryMethods(aggregator, new Reporters(clock));
    const report = bytesOf({ edges: [edge()] });
    expect(() => methods.report(report, undefined)).toThrow("certificate");
    expect(() => methods.report(Uint8Array.of(0x22, 0x05, 1), web)).toThrow(
      "not a weft.wire.v1.TelemetryReport",
    );
    expect(aggregator.refusedReports).toBe(1);
    expect(methods.report(report, web).intervalMs).toBe(5_000);
    expect(workloads(aggregator, 60).edges).toHaveLength(1);
  });

  test("the more proxies there are, the longer each shall wait", () => {
    const { aggregator, clock } = setUp();
    const methods = telemetryMethods(aggregator, new Reporters(clock));
    const reportOf = (index: number): number =>
      methods.report(bytesOf({ proxy: `default/web-${index}` }), web).intervalMs;
    for (let index = 0; index < 1_500; index++) expect(reportOf(index)).toBe(5_000);
    for (let index = 1_500; index < 3_000; index++) reportOf(index);
    expect(reportOf(0)).toBe(10_000);
    for (let index = 3_000; index < 12_000; index++) reportOf(index);
    expect(reportOf(0)).toBe(30_000);
    clock.advance(180_000);
    expect(reportOf(0)).toBe(5_000);
  });
});
