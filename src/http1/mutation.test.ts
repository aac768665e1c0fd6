/**
 * Damaged messages, the short form of `npm run fuzz -- http1`: no codec throws, takes or holds more than it may, or tells
 * another tale in pieces; and whatever is accepted is encoded into a message that is read the same way again, so that no hop
 * after us can see another message than we saw.
 */
import { expect, test } from "bun:test";
import { fuzz, fuzzedCodecs } from "./testdata/fuzz.ts";

const inputs = 20_000;

test.each([...fuzzedCodecs])("damaged input of the %s codec", (codec) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const run = fuzz(codec, inputs, seed);
  expect(run.failure).toBeUndefined();
  expect(run.accepted).toBeGreaterThan(inputs / 20);
});

test("the same seed gives the same run", () => {
  expect(fuzz("request", 2_000, 7)).toEqual(fuzz("request", 2_000, 7));
});
