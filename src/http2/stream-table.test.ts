/** The table against a Map, under random traffic. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { StreamTable } from "./stream-table.ts";

const step = fc.record({
  isAdding: fc.boolean(),
  id: fc.integer({ min: 0, max: 300 }).map((n) => 2 * n + 1),
});

test("holds what a Map would hold, however streams come and go", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      const table = new StreamTable<{ readonly id: number }>();
      const map = new Map<number, { readonly id: number }>();
      for (const { isAdding, id } of steps) {
        if (isAdding && !map.has(id)) {
          const stream = { id };
          table.add(stream);
          map.set(id, stream);
        } else {
          table.delete(id);
          map.delete(id);
        }
        expect(table.size).toBe(map.size);
      }
      for (let id = 1; id < 601; id += 2) expect(table.get(id)).toBe(map.get(id));
      expect(table.all().toSorted((a, b) => a.id - b.id)).toEqual(
        [...map.values()].toSorted((a, b) => a.id - b.id),
      );
    }),
    { numRuns: 100 },
  );
});
