/** Which rule takes which request: the product against the text of HTTPRoute. `npm run conformance -- matching` is the long form. */
import { expect, test } from "bun:test";
import { compareMatching } from "./compare-matching.ts";

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const pairs = 10_000;

test(`finds the rule that the text of HTTPRoute names (WEFT_TEST_SEED=${seed})`, () => {
  const { matched, missed, difference } = compareMatching(pairs, seed);
  expect(difference).toBeUndefined();
  // Routes that want every request, or none, would compare nothing.
  expect(matched).toBeGreaterThan(pairs / 4);
  expect(missed).toBeGreaterThan(pairs / 50);
});
