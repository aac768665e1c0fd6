/** The page about the access log says what the code does. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { accessLogReference } from "./access-log-reference.ts";
import { root } from "./source-files.ts";

test("docs/reference/access-log.md is what the tables say", async () => {
  const file = Bun.file(join(root, "docs/reference/access-log.md"));
  const text = accessLogReference();
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
});
