/** The proxy's own program: that it can be built, and says what it cannot do as the command line does. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const scratch = mkdtempSync(join(tmpdir(), "weft-proxy-program-"));
const built = join(scratch, "proxy");

beforeAll(() => {
  run([join(root, "scripts/build-proxy.mjs"), built]);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("is one file with its bytecode, marked with the checkout that it is for", () => {
  expect(existsSync(join(built, "proxy-program.js.jsc"))).toBe(true);
  expect(readFileSync(join(built, "built-for"), "utf8")).toBe(`${root}\n`);
});

test("counts as older than what was changed while it was built", () => {
  const builtMs = statSync(join(built, "built-for")).mtimeMs;
  expect(statSync(join(built, "proxy-program.js")).ctimeMs).toBeGreaterThan(builtMs);
});

test.each([
  ["a bootstrap that is not there", "absent.json", "weft: the bootstrap file cannot be read"],
  ["a bootstrap that is none", "proxy/built-for", "proxy/built-for"],
])("refuses %s with one line and exit code 65", (_, file, message) => {
  const { exitCode, stderr } = run([
    join(built, "proxy-program.js"),
    "proxy",
    "--bootstrap",
    join(scratch, file),
  ]);
  expect(stderr).toContain(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(exitCode).toBe(65);
});

test.each(["0", "65", "two"])("refuses %s workers with exit code 64", (count) => {
  const { exitCode, stderr } = run([
    join(built, "proxy-workers-program.js"),
    "proxy",
    "--bootstrap",
    "absent.json",
    "--workers",
    count,
  ]);
  expect(stderr).toContain("--workers takes a whole number from 1 to 64");
  expect(exitCode).toBe(64);
});

function run(args: readonly string[]): { exitCode: number; stderr: string } {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...args], { cwd: scratch });
  return { exitCode, stderr: stderr.toString() };
}
