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
