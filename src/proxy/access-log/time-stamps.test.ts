/** Moments of lines. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { TimeStamps } from "./time-stamps.ts";

test("says the same as Date does, whichever moment comes after which", () => {
  const stamps = new TimeStamps();
  const moment = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(
    fc.property(
      fc.oneof(moment, fc.integer({ min: 1_700_000_000_000, max: 1_700_000_003_000 })),
      (timeMs) => {
        expect(stamps.format(timeMs + 0.7)).toBe(new Date(timeMs).toISOString());
      },
    ),
  );
});
