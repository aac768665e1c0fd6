/** Every vector has its outcome, whole, cut in two at each byte, and byte by byte. */
import { describe, expect, test } from "bun:test";
import { recordRequests, recordResponses } from "./testdata/recorder.ts";
import { allRequestVectors, allResponseVectors } from "./testdata/tables.ts";
import type { Vector } from "./testdata/vector.ts";

type Record = (pieces: readonly Uint8Array[], vector: Vector) => string[];

const tables: readonly {
  readonly kind: string;
  readonly vectors: readonly Vector[];
  readonly record: Record;
}[] = [
  { kind: "request", vectors: allRequestVectors, record: (p, v) => recordRequests(p, v.fin) },
  { kind: "response", vectors: allResponseVectors, record: (p, v) => recordResponses(p, v) },
];

test("there are vectors, with distinct names that say their section", () => {
  const names = tables.flatMap((table) => table.vectors.map((vector) => `${table.kind}: ${vector.title}`));
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => !/^(request|response): 91\d\d \d+(\.\d+)*: ./.test(name))).toEqual([]);
  expect(allRequestVectors.length).toBeGreaterThanOrEqual(170);
  expect(allResponseVectors.length).toBeGreaterThanOrEqual(70);
});

for (const { kind, vectors, record } of tables) {
  describe(kind, () => {
    for (const vector of vectors) {
      test(`RFC ${vector.title}`, () => {
        const bytes = Buffer.from(vector.raw, "latin1");
        expect(record([bytes], vector)).toEqual([...vector.outcome]);
        // Long inputs are cut at some bytes only; all kinds of cuts lie in some short vector too.
        const step = bytes.length > 1_000 ? Math.ceil(bytes.length / 300) : 1;
        for (let cut = 1; cut < bytes.length; cut += step) {
          const outcome = record([bytes.subarray(0, cut), bytes.subarray(cut)], vector);
          if (!Bun.deepEquals(outcome, [...vector.outcome])) {
            expect({ cut, outcome }).toEqual({ cut, outcome: [...vector.outcome] });
          }
        }
        const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
        expect(record(single, vector)).toEqual([...vector.outcome]);
      });
    }
  });
}
