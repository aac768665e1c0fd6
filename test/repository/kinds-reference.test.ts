/** The pages about kinds of resources say what the schemas say, and there is no other page. */
import { expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { kindNames } from "../../src/api/index.ts";
import { fileOf, kindPage, kindsIndex } from "./kinds-reference.ts";
import { root } from "./source-files.ts";

const folder = join(root, "docs/reference/kinds");
const isUpdate = process.env["WEFT_UPDATE_GOLDEN"] === "1";
const pages = new Map([
  ["README.md", kindsIndex],
  ...kindNames.map((kind) => [fileOf(kind), () => kindPage(kind)] as const),
]);

test.each([...pages])("docs/reference/kinds/%s is what the declarations say", async (name, write) => {
  const file = Bun.file(join(folder, name));
  if (isUpdate) await file.write(write());
  expect(await file.text()).toBe(write());
});

test("every page is about something", () => {
  const others = readdirSync(folder).filter((name) => !pages.has(name));
  if (isUpdate) for (const name of others) rmSync(join(folder, name));
  expect(isUpdate ? [] : others).toEqual([]);
});
