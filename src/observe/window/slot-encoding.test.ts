/** Slots read back what was counted, whatever it was; bytes that are none are told. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { bucketCount, bucketOf, Histogram } from "../../kernel/index.ts";
import { SlotCell } from "./slot-cell.ts";
import { decodeSlot, encodeSlot, maxCoarseness } from "./slot-encoding.ts";

const amounts = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const durations = fc.array(
  fc.tuple(fc.integer({ min: 0, max: bucketCount - 1 }), fc.integer({ min: 1, max: 1_000_000 })),
  { maxLength: 40 },
);
const cells = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 1, max: 1_000_000 }),
    count: amounts,
    request: amounts,
    response: amounts,
    durations,
  }),
  { selector: ({ id }) => id, maxLength: 30 },
);

function cellOf(given: {
  readonly count: number;
  readonly request: number;
  readonly response: number;
  readonly durations: readonly (readonly [number, number])[];
}): SlotCell {
  const cell = new SlotCell();
  cell.count = given.count;
  cell.requestBytes = given.request;
  cell.responseBytes = given.response;
  for (const [bucket, amount] of given.durations) cell.durations.add(bucket, amount);
  cell.durations.sumUs = given.count;
  return cell;
}

test("what is encoded is decoded, whether or not durations are asked for", () => {
  fc.assert(
    fc.property(cells, fc.integer({ min: 1, max: 3 }), (given, every) => {
      const sorted = given.toSorted((a, b) => a.id - b.id);
      const bytes = encodeSlot(sorted.map((each) => [each.id, cellOf(each)]));
      let index = 0;
      decodeSlot(bytes, (id, cell) => {
        const expected = sorted[index];
        expect([id, cell.count, cell.requestBytes, cell.responseBytes, cell.sumUs]).toEqual(
          expected === undefined
            ? []
            : [expected.id, expected.count, expected.request, expected.response, expected.count],
        );
        if (index++ % every !== 0 || expected === undefined) return;
        const histogram = new Histogram();
        cell.mergeInto(histogram);
        expect([...histogram.buckets()]).toEqual([...cellOf(expected).durations.buckets()]);
      });
      expect(index).toBe(sorted.length);
    }),
  );
});

test("coarser slots keep every count, and durations near to what they were", () => {
  fc.assert(
    fc.property(durations, fc.integer({ min: 1, max: maxCoarseness }), (given, coarseness) => {
      const cell = cellOf({ count: 1, request: 0, response: 0, durations: given });
      const read = new Histogram();
      decodeSlot(encodeSlot([[7, cell]], coarseness), (_, stored) => stored.mergeInto(read));
      expect(read.count).toBe(cell.durations.count);
      const near = 1 << coarseness;
      for (const q of [0.01, 0.5, 0.9, 0.99]) {
        const difference = bucketOf(read.quantileUs(q)) - bucketOf(cell.durations.quantileUs(q));
        expect(Math.abs(difference)).toBeLessThan(near);
      }
    }),
  );
});

test("bytes that are cut or changed are told, or read as other numbers: never more than that", () => {
  const bytes = encodeSlot(
    [1, 2, 3].map((id) => [
      id,
      cellOf({
        count: 500,
        request: 1,
        response: 2,
        durations: [
          [40, 300],
          [90, 2],
        ],
      }),
    ]),
  );
  const sum = new Histogram();
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeSlot(bytes.subarray(0, length), (_, cell) => cell.mergeInto(sum))).toThrow(RangeError);
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const changed = bytes.slice();
      changed[at] = byte;
      try {
        decodeSlot(changed, (_, cell) => cell.mergeInto(sum));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
