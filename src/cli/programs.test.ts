/** The programs that bin/weft runs from one executable each: that they can be built, and say what they cannot do as the command line does. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const scratch = mkdtempSync(join(tmpdir(), "weft-programs-"));
const built = join(scratch, "built");
const programs = ["proxy-program", "proxy-workers-program", "serve-program", "main"];
const noJson = join(scratch, "bootstrap.json");
/** Each build takes two seconds of a core that is free. */
const buildTimeoutMs = 60_000;

beforeAll(() => {
  writeFileSync(noJson, "no JSON\n");
  for (const name of programs) {
    const builder = [join(root, "scripts/build-program.mjs"), join(built, name), name];
    const { exitCode, stderr } = run(process.execPath, builder);
    if (exitCode !== 0) throw new Error(stderr);
  }
}, buildTimeoutMs);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("each is one executable, marked with the checkout that it is for", () => {
  for (const name of programs) {
    expect(statSync(program(name)).mode & 0o111).toBe(0o111);
    expect(readFileSync(join(built, name, "built-for"), "utf8")).toBe(`${root}\n`);
  }
});

/** Else Bun compiles it at every start, into memory that each process has for itself. */
test("each holds its bytecode", () => {
  for (const name of programs) {
    const executable = readFileSync(program(name));
    // The program is behind the runtime, which has the words too.
    const at = executable.lastIndexOf("// @bun");
    expect(executable.toString("latin1", at, at + 18)).toBe("// @bun @bytecode ");
  }
});

/** They run beside each workload: what reads operators' resources would cost every one of them some 10 MB. */
test("a proxy's program holds nothing of the control plane", () => {
  const { sources }: { sources: string[] } = JSON.parse(
    readFileSync(`${program("proxy-program")}.map`, "utf8"),
  );
  const foreign =
    /src\/(api|apiserver|client|compile|control|registry|store|observe)\/|node_modules\/(yaml|typebox)\//;
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter((source) => foreign.test(source))).toEqual([]);
});

test("the build counts as older than what was changed while it was made", () => {
  const builtMs = statSync(join(built, "proxy-program", "built-for")).mtimeMs;
  expect(statSync(program("proxy-program")).ctimeMs).toBeGreaterThan(builtMs);
});

test.each([
  ["a bootstrap that is not there", join(scratch, "absent.json"), "the bootstrap file cannot be read"],
  ["a bootstrap that is none", noJson, "bootstrap.json"],
])("the proxy refuses %s with one line and exit code 65", (_, file, message) => {
  const { exitCode, stderr } = run(program("proxy-program"), ["proxy", "--bootstrap", file]);
  expect(stderr).toContain(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(exitCode).toBe(65);
});

test.each(["0", "65", "two"])("refuses %s workers with exit code 64", (count) => {
  const args = ["proxy", "--bootstrap", "absent.json", "--workers", count];
  const { exitCode, stderr } = run(program("proxy-workers-program"), args);
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
  const { exitCode, stderr } = run(program("serve-program"), args);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(64);
});

test("what the folder says that a program is called in is not read", () => {
  writeFileSync(join(scratch, "preloaded.ts"), 'console.error("preloaded");\n');
  writeFileSync(join(scratch, "bunfig.toml"), 'preload = ["./preloaded.ts"]\n');
  writeFileSync(join(scratch, ".env"), "BUN_OPTIONS=--preload=./preloaded.ts\n");
  const { stderr } = run(program("serve-program"), ["up"]);
  expect(stderr).toContain("weft serve alone");
  expect(stderr).not.toContain("preloaded");
});

describe("bin/weft in a checkout that has built nothing", () => {
  const checkout = join(scratch, "checkout");
  const cache = join(checkout, "node_modules/.cache/weft");
  const refused = { exitCode: 65, stderr: expect.stringContaining("the bootstrap file cannot be read") };

  beforeAll(() => {
    for (const part of ["bin", "src", "scripts", "package.json", "tsconfig.json"])
      cpSync(join(root, part), join(checkout, part), { recursive: true });
    mkdirSync(cache, { recursive: true });
    for (const name of readdirSync(join(root, "node_modules")).filter((each) => each !== ".cache"))
      symlinkSync(join(root, "node_modules", name), join(checkout, "node_modules", name));
  });

  async function startProxy(): Promise<{ exitCode: number; stderr: string }> {
    const command = [join(checkout, "bin/weft"), "proxy", "--bootstrap", join(scratch, "absent.json")];
    const child = Bun.spawn(command, { cwd: scratch, stdout: "ignore", stderr: "pipe" });
    const stderr = await new Response(child.stderr).text();
    return { exitCode: await child.exited, stderr };
  }

  test(
    "several that start at once all start, though one that built was killed",
    async () => {
      const killed = Bun.spawnSync(["true"]).pid;
      symlinkSync(String(killed), join(cache, "proxy-program.builder"));
      expect(await Promise.all(Array.from({ length: 6 }, startProxy))).toEqual(Array(6).fill(refused));
      expect(readdirSync(cache).filter((name) => name.startsWith("proxy-program"))).toEqual([
        "proxy-program",
      ]);
    },
    buildTimeoutMs,
  );

  test(
    "one that starts while the program is built anew runs it, before and after",
    async () => {
      const folder = join(cache, "proxy-program");
      const builder = [join(checkout, "scripts/build-program.mjs"), folder, "proxy-program"];
      const building = Bun.spawn([process.execPath, ...builder], { stdout: "ignore", stderr: "inherit" });
      while (building.exitCode === null) {
        expect(existsSync(join(folder, "proxy-program"))).toBe(true);
        expect(await startProxy()).toEqual(refused);
      }
      expect(await building.exited).toBe(0);
    },
    buildTimeoutMs,
  );
});

function program(name: string): string {
  return join(built, name, name);
}

function run(command: string, args: readonly string[]): { exitCode: number; stderr: string } {
  const { exitCode, stderr } = Bun.spawnSync([command, ...args], { cwd: scratch });
  return { exitCode, stderr: stderr.toString() };
}
