/** The page about telemetry says what the declarations say, of every setting and every attribute, and proxies can read all of them. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { fieldsOf } from "../../src/api/reference-fields.ts";
import { telemetryAttributes } from "../../src/compile/telemetry/attributes.ts";
import { attributeNames, defaults } from "../../src/decide/telemetry/index.ts";
import { root } from "./source-files.ts";
import { explainedSettings, telemetryReference } from "./telemetry-reference.ts";

test("docs/reference/telemetry.md is what the declarations say", async () => {
  const file = Bun.file(join(root, "docs/reference/telemetry.md"));
  const text = telemetryReference();
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(text);
  expect(await file.text()).toBe(text);
});

test("every setting of a policy is explained", () => {
  const sections = ["metrics", "tracing", "accessLog", "redaction"];
  const settings = fieldsOf("TelemetryPolicy")
    .map(({ path }) => path.replace(/^spec\./, ""))
    .filter((path) => sections.includes(path.split(".")[0] ?? "") && path.split(".").length === 2)
    .map((path) => path.replace(/\[\]$/, ""));
  expect(settings.length).toBeGreaterThan(20);
  expect(explainedSettings().toSorted()).toEqual([...settings, "collectors"].toSorted());
});

test("proxies read just what the control plane lets expressions read", () => {
  expect(attributeNames.toSorted()).toEqual(telemetryAttributes.map(({ name }) => name).toSorted());
});

test("what is always hidden is known to both planes", async () => {
  const compiler = await Bun.file(join(root, "src/compile/telemetry/attributes.ts")).text();
  const schema = await Bun.file(join(root, "src/api/telemetry-settings.ts")).text();
  for (const name of defaults.redaction.headers) {
    expect(compiler).toContain(`"${name}"`);
    expect(schema).toContain(name);
  }
});
