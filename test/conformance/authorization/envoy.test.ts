/** Envoy's RBAC filter gives the verdicts that the mesh gives, of what has a translation. */
import { expect, test } from "bun:test";
import { compareEnvoy, findEnvoy } from "./compare-envoy.ts";

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const program = findEnvoy();

test.skipIf(program === null)(`decides as envoy does (WEFT_TEST_SEED=${seed})`, async () => {
  const run = { program: program ?? "", seed, sets: 100, requestsOfSet: 20 };
  const { requests, denied, difference } = await compareEnvoy(run);
  expect(difference).toBeUndefined();
  expect(denied).toBeGreaterThan(requests / 20);
  expect(requests - denied).toBeGreaterThan(requests / 20);
});
