/** Every vector through weft's listener: each has its one right outcome. */
import { expect, test } from "bun:test";
import { allRequestVectors, allResponseVectors } from "../../../src/http1/testdata/tables.ts";
import { requestChoices } from "./request-choices.ts";
import { responseChoices } from "./response-choices.ts";
import { requestOverrides, responseOverrides } from "./overrides.ts";
import { weft } from "./peers/index.ts";
import { runTable } from "./run-table.ts";

const laneCount = 8;
/** For each step of a vector: only what is wrong waits that long. */
const patienceMs = 3_000;

test("choices and overrides are about vectors of the table", () => {
  const requests = new Set(allRequestVectors.map(({ title }) => title));
  const responses = new Set(allResponseVectors.map(({ title }) => title));
  expect(
    [...requestChoices.keys(), ...Object.keys(requestOverrides)].filter((title) => !requests.has(title)),
  ).toEqual([]);
  expect(
    [...responseChoices.keys(), ...Object.keys(responseOverrides)].filter((title) => !responses.has(title)),
  ).toEqual([]);
});

test("weft does with every vector what the table says", async () => {
  const { rows } = await runTable(weft, laneCount, patienceMs);
  const wrong = rows.filter(({ verdict }) => verdict !== "right");
  expect(wrong.map(({ kind, title, detail }) => `${kind} ${title}: ${detail}`)).toEqual([]);
  expect(rows.filter(({ kind }) => kind === "request").length).toBeGreaterThanOrEqual(170);
  expect(rows.filter(({ kind }) => kind === "response").length).toBeGreaterThanOrEqual(70);
}, 60_000);
