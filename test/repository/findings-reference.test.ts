/** The page about golden signals lists every finding with its cause and what mends it. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { findingKinds } from "../../src/control/observed/findings/finding.ts";
import { markdownTable } from "./markdown-table.ts";
import { root } from "./source-files.ts";

test("docs/reference/signals.md has the findings of the code", async () => {
  const file = Bun.file(join(root, "docs/reference/signals.md"));
  const page = await file.text();
  const rows = Object.entries(findingKinds).map(([code, { cause, fix }]) => [`\`${code}\``, cause, fix]);
  const table = markdownTable(["Finding", "When", "What to do"], rows).join("\n");
  const text = page.replace(
    /(<!-- written from the code: findings -->\n)[^]*?(<!-- end -->)/,
    (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`,
  );
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
  expect(text).toContain("`slow-endpoint`");
});
