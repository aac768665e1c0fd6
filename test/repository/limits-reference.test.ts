/** The page about limits says what the code does, and both planes have the same defaults. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { parseDurationMs } from "../../src/api/index.ts";
import { limitsSchema } from "../../src/api/limits.ts";
import { defaultLimits } from "../../src/proxy/serve/limits.ts";
import { limitsReference } from "./limits-reference.ts";
import { root } from "./source-files.ts";

test("docs/reference/limits.md is what the declarations say", async () => {
  const file = Bun.file(join(root, "docs/reference/limits.md"));
  const text = limitsReference();
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
});

test("a proxy without a configuration has MeshConfig's defaults", () => {
  const declared = Object.entries(limitsSchema.properties).map(([name, schema]) => {
    const value: unknown = "default" in schema ? schema.default : undefined;
    return typeof value === "string" ? [`${name}Ms`, parseDurationMs(value)] : [name, value];
  });
  expect(declared.length).toBeGreaterThan(10);
  expect(Object.fromEntries(declared)).toEqual({ ...defaultLimits });
});
