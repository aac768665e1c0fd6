/** Reading edges where they lie gives what protobuf gives, of all that proxies write; one label set has one hash. */
import { expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { bucketCount } from "../../kernel/index.ts";
import { Direction, EdgeDeltaSchema, TelemetryReportSchema } from "../../wire/index.ts";
import { SlotCell } from "../window/slot-cell.ts";
import { EdgeScanner } from "./edge-scanner.ts";
import { splitReport } from "./split-report.ts";

const text = fc.string({ maxLength: 200 });
const figure = fc.bigInt({ min: 0n, max: 2n ** 42n });
const labels = fc.record({
  direction: fc.constantFrom(Direction.INBOUND, Direction.OUTBOUND),
  sourceWorkload: text,
  sourceIdentity: text,
  destinationService: text,
  destinationPort: fc.integer({ min: 0, max: 65_535 }),
  route: text,
  mtls: fc.boolean(),
  responseCode: fc.integer({ min: 0, max: 599 }),
  method: fc.constantFrom("", "GET", "_OTHER"),
  sourceVersion: text,
});
const figures = fc.record({
  count: figure,
  requestBytes: figure,
  responseBytes: figure,
  open: figure,
  duration: fc.option(
    fc.uniqueArray(fc.integer({ min: 0, max: bucketCount - 1 }), { maxLength: 50 }).chain((buckets) =>
      fc.record({
        buckets: fc.constant(buckets.toSorted((a, b) => a - b)),
        counts: fc.array(fc.integer({ min: 1, max: 100_000 }), {
          minLength: buckets.length,
          maxLength: buckets.length,
        }),
        sumUs: figure,
      }),
    ),
    { nil: undefined },
  ),
});

function bytesOf(fields: object): Uint8Array {
  return toBinary(EdgeDeltaSchema, create(EdgeDeltaSchema, fields));
}

test("figures are those that protobuf reads, and labels alone make the hash", () => {
  const scanner = new EdgeScanner();
  const hashes = new Map<number, string>();
  fc.assert(
    fc.property(labels, figures, figures, (label, one, other) => {
      const bytes = bytesOf({ ...label, ...one });
      expect(scanner.scan(bytes, 0, bytes.length)).toBe(true);
      const { hash } = scanner;
      const read = fromBinary(EdgeDeltaSchema, bytes);
      expect([scanner.count, scanner.requestBytes, scanner.responseBytes, scanner.sumUs]).toEqual([
        Number(read.count),
        Number(read.requestBytes),
        Number(read.responseBytes),
        Number(read.duration?.sumUs ?? 0n),
      ]);
      const cell = new SlotCell();
      scanner.addTo(cell);
      const expected = read.duration?.buckets.map((bucket, i) => [bucket, read.duration?.counts[i] ?? 0]);
      const added = [...cell.durations.buckets()].map(([bucket, amount]) => [bucket, amount]);
      expect(added).toEqual(expected ?? []);
      const others = bytesOf({ ...label, ...other });
      expect(scanner.scan(others, 0, others.length)).toBe(true);
      expect(scanner.hash).toBe(hash);
      const key = JSON.stringify(label);
      expect(hashes.get(hash) ?? key).toBe(key);
      hashes.set(hash, key);
    }),
  );
  expect(hashes.size).toBeGreaterThan(50);
});

test("whatever the bytes are, reading them ends", () => {
  const scanner = new EdgeScanner();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      if (scanner.scan(bytes, 0, bytes.length)) scanner.addTo(new SlotCell());
      splitReport(bytes);
    }),
    { numRuns: 2_000 },
  );
});

test("a figure beyond reason is not read", () => {
  const scanner = new EdgeScanner();
  for (const field of ["count", "requestBytes", "responseBytes"]) {
    const bytes = bytesOf({ [field]: 2n ** 60n });
    expect(scanner.scan(bytes, 0, bytes.length)).toBe(false);
  }
});

test("a report comes apart into its edges and everything else", () => {
  const report = create(TelemetryReportSchema, {
    proxy: "default/web-1",
    startUnixMs: -5n,
    droppedSeries: 3n,
    edges: [{ count: 300n, route: "default/a" }, {}, { count: 2n }],
    ruleHits: [{ kind: "HTTPRoute", route: "default/a", count: 1n }],
  });
  const bytes = toBinary(TelemetryReportSchema, report);
  const split = splitReport(bytes);
  expect(split?.report).toEqual({ ...report, edges: [] });
  const edges = Array.from({ length: 3 }, (_, i) =>
    fromBinary(EdgeDeltaSchema, bytes.subarray(split?.edges[2 * i], split?.edges[2 * i + 1])),
  );
  expect(edges).toEqual(report.edges);
  for (let length = 1; length < bytes.length; length++) splitReport(bytes.subarray(0, length));
});
