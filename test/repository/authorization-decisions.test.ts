/** The page about authorization has the attributes and readings that the code has. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { authorizationDecisions, partNames, partsOf } from "./authorization-decisions.ts";
import { root } from "./source-files.ts";

test("docs/reference/authorization-decisions.md is what the code says", async () => {
  const file = Bun.file(join(root, "docs/reference/authorization-decisions.md"));
  const text = authorizationDecisions(await file.text());
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
  expect(partsOf(text)).toEqual(partNames);
});
