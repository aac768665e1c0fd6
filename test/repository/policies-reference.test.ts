/** The page about policies says what the declarations say, and every kind of policy is in it. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { policiesReference, policyKinds, unexplained } from "./policies-reference.ts";
import { root } from "./source-files.ts";

test("docs/reference/policies.md is what the declarations say", async () => {
  const file = Bun.file(join(root, "docs/reference/policies.md"));
  const text = policiesReference();
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
});

test("every kind that is aimed by targetRefs is explained", () => {
  expect(policyKinds().length).toBeGreaterThan(1);
  expect(unexplained()).toEqual([]);
});
