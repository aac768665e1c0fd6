/** The page about taps lists every attribute that a filter may read, in the table's own words. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { tapAttributes } from "../../src/model/index.ts";
import { root } from "./source-files.ts";

test("docs/reference/tap.md has a row for each attribute", async () => {
  const rows = (await Bun.file(join(root, "docs/reference/tap.md")).text())
    .split("\n")
    .map((line) => line.replace(/\s*\|\s*/g, "|"));
  const missing = tapAttributes.filter(
    ({ name, type, meaning }) => !rows.includes(`|\`${name}\`|${type}|${meaning}|`.replaceAll(" | ", "|")),
  );
  expect(tapAttributes.length).toBeGreaterThan(20);
  expect(missing).toEqual([]);
});
