/** The page about rules of authorization lists every attribute that a condition may read. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { attributes } from "../../src/model/index.ts";
import { authorizationReference } from "./authorization-reference.ts";
import { root } from "./source-files.ts";

test("docs/reference/authorization.md is what the declarations say", async () => {
  const file = Bun.file(join(root, "docs/reference/authorization.md"));
  const text = authorizationReference();
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
  expect(attributes.length).toBeGreaterThan(20);
});
