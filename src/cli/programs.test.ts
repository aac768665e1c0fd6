/** The programs that bin/weft runs from one file: that they can be built, and say what they cannot do as the command line does. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const scratch = mkdtempSync(join(tmpdir(), "weft-programs-"));
const built = join(scratch, "built");
const noJson = join(scratch, "bootstrap.json");
/** A build takes a second of a core that is free. */
const buildTimeoutMs = 30_000;

beforeAll(() => {
  writeFileSync(noJson, "no JSON\n");
  const { exitCode, stderr } = run([join(root, "scripts/build-programs.mjs"), built]);
  if (exitCode !== 0) throw new Error(stderr);
}, buildTimeoutMs);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("each is one file with its bytecode, marked with the checkout that it is for", () => {
  for (const name of ["proxy-program", "proxy-workers-program", "serve-program"]) {
    expect(existsSync(join(built, `${name}.js.jsc`))).toBe(true);
  }
  expect(readFileSync(join(built, "built-for"), "utf8")).toBe(`${root}\n`);
});

/** They run beside each workload: what reads operators' resources would cost every one of them some 10 MB. */
test("a proxy's program holds nothing of the control plane", () => {
  const { sources }: { sources: string[] } = JSON.parse(
    readFileSync(join(built, "proxy-program.js.map"), "utf8"),
  );
  const foreign =
    /src\/(api|apiserver|client|compile|control|registry|store|observe)\/|node_modules\/(yaml|typebox)\//;
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter((source) => foreign.test(source))).toEqual([]);
});

test("the build counts as older than what was changed while it was made", () => {
  const builtMs = statSync(join(built, "built-for")).mtimeMs;
  expect(statSync(join(built, "proxy-program.js")).ctimeMs).toBeGreaterThan(builtMs);
});

test.each([
  ["a bootstrap that is not there", join(scratch, "absent.json"), "the bootstrap file cannot be read"],
  ["a bootstrap that is none", noJson, "bootstrap.json"],
])("the proxy refuses %s with one line and exit code 65", (_, file, message) => {
  const { exitCode, stderr } = run([join(built, "proxy-program.js"), "proxy", "--bootstrap", file]);
  expect(stderr).toContain(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(exitCode).toBe(65);
});

test.each(["0", "65", "two"])("refuses %s workers with exit code 64", (count) => {
  const program = join(built, "proxy-workers-program.js");
  const { exitCode, stderr } = run([program, "proxy", "--bootstrap", "absent.json", "--workers", count]);
  expect(stderr).toContain("--workers takes a whole number from 1 to 64");
  expect(exitCode).toBe(64);
});

test.each([
  [
    "an option that it does not know",
    ["serve", "-f", "absent.yaml", "--colour"],
    "unknown option '--colour'",
  ],
  ["to serve nothing", ["serve"], "--filename"],
  ["a verb that is not its own", ["up"], "weft serve alone"],
])("the gateway refuses %s with exit code 64", (_, args, message) => {
  const { exitCode, stderr } = run([join(built, "serve-program.js"), ...args]);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(64);
});

function run(args: readonly string[]): { exitCode: number; stderr: string } {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...args], {
    cwd: scratch,
    // Beside the build there is no node_modules as there is in the checkout.
    env: { ...process.env, NODE_PATH: join(root, "node_modules") },
  });
  return { exitCode, stderr: stderr.toString() };
}
