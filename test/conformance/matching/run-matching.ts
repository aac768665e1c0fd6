/** A million random pairs of routes and request; `WEFT_TEST_SEED` repeats a run. */
import { compareMatching } from "./compare-matching.ts";

const pairs = 1_000_000;

export async function runMatching(): Promise<boolean> {
  const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const { matched, missed, difference } = compareMatching(pairs, seed);
  console.log(
    `matching: ${matched + missed} pairs, ${matched} with a rule, ${missed} without (WEFT_TEST_SEED=${seed})`,
  );
  if (difference !== undefined) console.log(`the first difference: ${difference}`);
  return await Promise.resolve(difference === undefined);
}
