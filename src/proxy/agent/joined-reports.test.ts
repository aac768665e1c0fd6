/** Reports of several workers as one. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type EdgeDeltaSchema, TelemetryReportSchema } from "../../wire/index.ts";
import { JoinedReports } from "./joined-reports.ts";

function report(
  startMs: number,
  endMs: number,
  edges: MessageInitShape<typeof EdgeDeltaSchema>[],
): Uint8Array {
  const window = { startUnixMs: BigInt(startMs), endUnixMs: BigInt(endMs) };
  return toBinary(
    TelemetryReportSchema,
    create(TelemetryReportSchema, { proxy: "shop/web", ...window, edges, droppedSeries: 1n }),
  );
}

function whole(message: MessageInitShape<typeof TelemetryReportSchema>): Uint8Array {
  return toBinary(TelemetryReportSchema, create(TelemetryReportSchema, { startUnixMs: 1n, ...message }));
}

test("statuses and methods stand side by side, connections open are added up over workers, not over time", () => {
  const joined = new JoinedReports();
  const edge = { destinationService: "shop/api", responseCode: 200, method: "GET", count: 1n };
  joined.add(whole({ edges: [edge, { ...edge, method: "PUT" }, { ...edge, responseCode: 204 }] }), 0);
  joined.add(whole({ edges: [edge, { ...edge, grpcStatus: 1 }, { ...edge, sourceLocality: "a" }] }), 1);
  expect(joined.take()?.edges.map(({ count }) => count)).toEqual([2n, 1n, 1n, 1n, 1n]);
  const tcp = (open: bigint) => whole({ edges: [{ protocol: "tcp", responseClass: "ok", open }] });
  joined.add(tcp(3n), 0);
  joined.add(tcp(5n), 0);
  joined.add(tcp(2n), 1);
  expect(joined.take()?.edges.map(({ open }) => open)).toEqual([7n]);
  joined.add(tcp(1n), 1);
  expect(joined.take()?.edges.map(({ open }) => open)).toEqual([6n]);
  joined.add(tcp(0n), 0);
  expect(joined.take()?.edges.map(({ open }) => open)).toEqual([1n]);
});

test("rules, counters and budgets are added up, whom they leave out they know of each other", () => {
  const joined = new JoinedReports();
  const counter = { name: "weft_retries_total", labels: { reason: "x" }, count: 2n };
  const hits = { kind: "HTTPRoute", route: "shop/web", rule: "a", count: 3n };
  const ejected = [{ cluster: "shop/api:80", workload: "shop/api-1" }];
  const of = { counters: [counter], ruleHits: [hits], series: 10, maxSeries: 2_000 };
  joined.add(whole({ ...of, ejected, hasEjected: true }), 0);
  joined.add(whole(of), 1);
  expect(joined.take()).toMatchObject({
    counters: [{ ...counter, count: 4n }],
    ruleHits: [{ ...hits, count: 6n }],
    ejected,
    hasEjected: true,
    series: 20,
    maxSeries: 4_000,
  });
  joined.add(whole(of), 1);
  expect(joined.take()?.hasEjected).toBe(false);
});

test("more label sets than go at once are several reports", () => {
  const joined = new JoinedReports();
  const edges = Array.from({ length: 1_200 }, (_, i) => ({ destinationService: `shop/s${i}`, count: 1n }));
  joined.add(whole({ edges, policies: [{ policy: "p", count: 1n }] }));
  const parts = [joined.take()];
  while (joined.hasMore) parts.push(joined.take());
  expect(parts.map((part) => [part?.edges.length, part?.policies.length])).toEqual([
    [500, 1],
    [500, 0],
    [200, 0],
  ]);
  expect(joined.take()).toBeUndefined();
});

test("the same labels are added up, others stand side by side", () => {
  const joined = new JoinedReports();
  expect(joined.take()).toBeUndefined();
  const ok = { destinationService: "shop/api", responseClass: "2xx", requestBytes: 5n };
  joined.add(
    report(10, 20, [{ ...ok, count: 2n, duration: { buckets: [1, 4], counts: [1, 1], sumUs: 9n } }]),
  );
  joined.add(
    report(5, 15, [
      { ...ok, count: 3n, duration: { buckets: [2, 4], counts: [1, 2], sumUs: 7n } },
      { ...ok, responseClass: "5xx", count: 1n },
    ]),
  );
  expect(joined.take()).toMatchObject({
    proxy: "shop/web",
    startUnixMs: 5n,
    endUnixMs: 20n,
    droppedSeries: 2n,
    edges: [
      {
        responseClass: "2xx",
        count: 5n,
        requestBytes: 10n,
        duration: { buckets: [1, 2, 4], counts: [1, 1, 3], sumUs: 16n },
      },
      { responseClass: "5xx", count: 1n },
    ],
  });
  expect(joined.take()).toBeUndefined();
});
