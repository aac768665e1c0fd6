/** Mutated traffic, the short form; the long one is fuzz/run.ts. WEFT_FUZZ_INPUTS and WEFT_TEST_SEED change it. */
import { expect, test } from "bun:test";
import { Random } from "./fuzz/mutate.ts";
import { type Target, targets } from "./fuzz/targets.ts";

const inputs = Number(process.env["WEFT_FUZZ_INPUTS"] ?? 5_000);
const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test.each(["hpack", "frames", "server", "client"] as const satisfies readonly Target[])(
  `%s: ${inputs} mutated inputs (WEFT_TEST_SEED=${seed})`,
  (name) => {
    const valid = targets[name](new Random(seed), inputs);
    // Some inputs survive their mutation, and some do not: both ways were gone.
    expect(valid).toBeGreaterThan(inputs / 100);
    expect(valid).toBeLessThan(inputs);
  },
  60_000,
);
