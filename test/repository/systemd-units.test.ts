/** The units of packaging/systemd are ones that systemd takes, where it is installed; the program that they name need not be. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const units = join(import.meta.dir, "../../packaging/systemd");

test.skipIf(Bun.which("systemd-analyze") === null)("systemd takes every unit without a complaint", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-units-"));
  try {
    const names = readdirSync(units);
    expect(names).toHaveLength(3);
    for (const name of names) {
      const text = readFileSync(join(units, name), "utf8");
      expect(text).toContain("Type=notify");
      writeFileSync(join(folder, name), text.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    }
    const paths = names.map((name) => join(folder, name));
    const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", ...paths]);
    expect({ exitCode, complaints: stderr.toString() }).toEqual({ exitCode: 0, complaints: "" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
