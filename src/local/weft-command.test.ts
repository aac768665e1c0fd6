/** What the runtime of a proxy is told, wherever it is started from. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { proxyEnvironment, proxyRuntime } from "./weft-command.ts";

const root = join(import.meta.dir, "../..");

test("bin/weft and the systemd unit tell a proxy's runtime the same as weft up does", () => {
  const unit = readFileSync(join(root, "packaging/systemd/weft-proxy@.service"), "utf8");
  const launcher = readFileSync(join(root, "bin/weft"), "utf8").replace("$scale", "10");
  expect(Object.keys(proxyRuntime)).not.toHaveLength(0);
  for (const [name, value] of Object.entries(proxyRuntime)) {
    expect(unit).toContain(`${name}=${value}`);
    expect(launcher).toContain(`export ${name}="\${${name}:-${value}}"`);
  }
});

test("bin/weft and the systemd unit tell a control plane's runtime the same", () => {
  const unit = readFileSync(join(root, "packaging/systemd/weft-control.service"), "utf8");
  const launcher = readFileSync(join(root, "bin/weft"), "utf8");
  const [, name = "", value = ""] = /^Environment=(\w+)=(\w+)$/m.exec(unit) ?? [];
  expect(name).toStartWith("BUN_JSC_");
  expect(launcher).toContain(`export ${name}="\${${name}:-${value}}"`);
});

test("in a checkout it is left to bin/weft", () => {
  expect(proxyEnvironment({ PATH: "/bin" })).toEqual({ PATH: "/bin" });
});
