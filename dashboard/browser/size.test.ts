/** What a browser loads: small, from here alone, with nothing inline. Needs no browser. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The issue allows 250 kB. */
const maxCompressedBytes = 120_000;
const buildScript = join(import.meta.dir, "../../scripts/build-dashboard.mjs");

test("the whole dashboard is at most 120 kB compressed, and its page has nothing inline", () => {
  const temporary = mkdtempSync(join(tmpdir(), "weft-dashboard-"));
  try {
    const folder = join(temporary, "dashboard");
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, buildScript, folder]);
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
    for (const suffix of [".br", ".gz"]) {
      const files = readdirSync(folder).filter((name) => name.endsWith(suffix));
      expect(files.length).toBe(5);
      const bytes = files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
      expect(bytes).toBeGreaterThan(10_000);
      expect(bytes).toBeLessThan(maxCompressedBytes);
    }
    const html = readFileSync(join(folder, "index.html"), "utf8");
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=|https?:/);
    expect(html).toMatch(/src="\/dashboard\/app-[0-9a-f]{12}\.js"/);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});
