/** A bounded share of `npm run conformance -- simulation`: `simulate()`, `weft plan`, `weft test` and a running mesh against the oracle. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shareOf } from "../../../src/decide/index.ts";
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import { compareLive } from "./compare-live.ts";
import { comparePlan } from "./compare-plan.ts";
import { compareSimulation } from "./compare-simulation.ts";
import { compareTests } from "./compare-tests.ts";
import { LiveMesh } from "./live-mesh.ts";
import { shareByTheText } from "./share-by-the-text.ts";

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const pairs = 300;
const livePairs = 100;
/** Few under each configuration: with many, all of the few configurations may forward nothing. */
const liveMost = 10;

let mesh: LiveMesh;
beforeAll(async () => {
  mesh = await LiveMesh.start();
});
afterAll(() => mesh[Symbol.asyncDispose]());

test("the oracle takes nothing of what it is compared with", () => {
  const texts = [
    "foretell.ts",
    ...readdirSync(import.meta.dir).filter((name) => /(by-the-text|applied)\.ts$/.test(name)),
  ];
  expect(texts.length).toBeGreaterThan(5);
  const imports = texts.flatMap((name) =>
    [
      ...readFileSync(join(import.meta.dir, name), "utf8").matchAll(
        /^import (?!type )[\s\S]*?from "(.*)";$/gm,
      ),
    ].map(([, from = ""]) => from),
  );
  expect(imports.filter((from) => /src\/(compile|decide|simulate)\//.test(from))).toEqual([]);
});

test("draws what proxies draw", () => {
  const random = seededRandom(seed);
  for (let i = 0; i < 500; i++) {
    const id = Array.from({ length: i % 40 }, () =>
      String.fromCodePoint(33 + Math.floor(random() * 300)),
    ).join("");
    expect(shareByTheText(id, `backend shop/r${i}`)).toBe(shareOf(id, `backend shop/r${i}`));
  }
});

test(`simulate() says what the texts foretell (WEFT_TEST_SEED=${seed})`, () => {
  const { kinds, difference } = compareSimulation(pairs, seed);
  expect(difference).toBeUndefined();
  // Configurations that forward everything, or nothing, would compare nothing.
  expect(kinds.get("forwarded")).toBeGreaterThan(pairs / 10);
  expect(kinds.get("refused no_route")).toBeGreaterThan(pairs / 50);
  expect(kinds.get("refused backend_unresolved")).toBeGreaterThan(pairs / 100);
});

test(`plans tell the flips that the texts foretell (WEFT_TEST_SEED=${seed})`, () => {
  const { kinds, difference } = comparePlan(pairs, seed);
  expect(difference).toBeUndefined();
  // Changes that change nothing would compare nothing.
  expect(kinds.get("as before")).toBeLessThan(0.99 * pairs);
});

test(`tests of requests pass as the texts foretell, and fail where one is wrong (WEFT_TEST_SEED=${seed})`, () => {
  const { kinds, difference } = compareTests(pairs, seed);
  expect(difference).toBeUndefined();
  for (const field of ["verdict", "backend", "status", "route"]) expect(kinds.get(field)).toBeGreaterThan(0);
});

test(`a running mesh does what the texts, simulate(), plans and tests say (WEFT_TEST_SEED=${seed})`, async () => {
  const { differences, kinds } = await compareLive(mesh, { pairs: livePairs, seed, most: liveMost });
  expect(differences).toEqual([]);
  expect(kinds.get("forwarded") ?? 0).toBeGreaterThan(livePairs / 20);
});
