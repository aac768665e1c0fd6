/** The page about metrics says what proxies write: every family, every label. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { documentedNames, metricsReference, unexplainedLabels } from "./metrics-reference.ts";
import { root } from "./source-files.ts";

test("docs/reference/metrics.md is what the code says", async () => {
  const file = Bun.file(join(root, "docs/reference/metrics.md"));
  const text = metricsReference();
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
});

test("every label of golden signals is explained, and no name is there twice", () => {
  expect(unexplainedLabels()).toEqual([]);
  const names = documentedNames();
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("names follow the conventions of Prometheus", () => {
  const bad = documentedNames().filter((name) => !/^[a-z][a-z0-9_]*[a-z0-9]$/.test(name));
  expect(bad).toEqual([]);
});
