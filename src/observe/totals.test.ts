/** Totals are bounded, and beyond the bound nothing is lost from their sum. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { Direction, EdgeDeltaSchema } from "../wire/index.ts";
import { readSeries } from "./series.ts";
import { Totals } from "./totals.ts";

test("series beyond the bound are counted together", () => {
  const totals = new Totals(3);
  for (let port = 1; port <= 10; port++) {
    const edge = create(EdgeDeltaSchema, {
      direction: Direction.OUTBOUND,
      protocol: "http",
      destinationPort: port,
      count: 2n,
    });
    const series = readSeries(edge);
    if (series !== undefined) totals.of(series).count += Number(edge.count);
  }
  const values = [...totals.values()];
  expect(values.length).toBe(4);
  expect(values.reduce((sum, { count }) => sum + count, 0)).toBe(20);
});
