/** Damaged traffic, the short form of `npm run fuzz`. WEFT_FUZZ_INPUTS and WEFT_TEST_SEED change it. */
import { describe, expect, test } from "bun:test";
import { Random } from "./mutate.ts";
import { roomTargets } from "./targets.ts";

const inputs = Number(process.env["WEFT_FUZZ_INPUTS"] ?? 5_000);
const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

describe.each(Object.keys(roomTargets))("%s", (room) => {
  test.each(Object.entries(roomTargets[room] ?? {}))(
    `%s: ${inputs} damaged inputs (WEFT_TEST_SEED=${seed})`,
    (_name, target) => {
      const valid = target(new Random(seed), inputs);
      // Some inputs survive their damage, and some do not: both ways were gone.
      expect(valid).toBeGreaterThan(inputs / 100);
      expect(valid).toBeLessThan(inputs);
    },
    60_000,
  );
});
