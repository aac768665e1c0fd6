/** The single executable, in an empty folder with an empty environment: neither Bun nor node_modules nor a checkout is near. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finished, spawnProcess } from "./harness/child-process.ts";
import { root } from "./harness/mesh.ts";
import { program, yaml } from "./harness/resources.ts";
import { unprivilegedUser } from "./harness/unprivileged-user.ts";
import { linesOf, TemporaryFolder } from "./harness/weft.ts";

const timeoutMs = 120_000;
const target = process.arch === "arm64" ? "arm64" : "x64";
let folder: TemporaryFolder;
let executable: string;

beforeAll(() => {
  folder = new TemporaryFolder();
  executable = join(folder.path, "weft");
  const built = Bun.spawnSync([process.execPath, join(root, "scripts/build.mjs"), target], { cwd: root });
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  copyFileSync(join(root, `dist/weft-linux-${target}`), executable);
}, timeoutMs);

afterAll(() => folder[Symbol.dispose]());

test(
  "says its version, and runs a mesh",
  async () => {
    const options = { cwd: folder.path, env: { PATH: "/usr/bin:/bin", HOME: folder.path } };
    const version = await spawnProcess([executable, "version"], options).finished;
    expect(version.stdout).toMatch(/^weft \d/);
    const files = join(folder.path, "mesh");
    mkdirSync(files);
    const command = ["sleep", "600"];
    writeFileSync(join(files, "mesh.yaml"), yaml(program({ name: "idle", command })));
    const instance = ["--instance", `executable-${process.pid}`];
    const places = [
      ...instance,
      "--api",
      "127.0.0.1:0",
      "--gateway",
      "127.0.0.1:0",
      "--data-dir",
      join(folder.path, "d"),
    ];
    const up = spawnProcess([executable, "up", files, ...places, "--log-format", "json"], options);
    await up.untilLine("stderr", timeoutMs, (line) => line.includes('"event":"ready"') || undefined);
    const { stdout } = await spawnProcess([executable, "status", ...instance, "-o", "json"], options)
      .finished;
    expect(stdout).toContain('"connected": true');
    up.kill("SIGTERM");
    expect((await up.within(timeoutMs)).code).toBe(0);
  },
  timeoutMs,
);

test(
  "says what to do where its user may not write the temporary folder, and goes on where TMPDIR names another",
  async () => {
    using place = new TemporaryFolder();
    const { uid, argv } = unprivilegedUser();
    const [forbidden, own, files] = ["forbidden", "own", "files"].map((name) => join(place.path, name));
    if (forbidden === undefined || own === undefined || files === undefined) throw new Error("no folders");
    chmodSync(folder.path, 0o755);
    chmodSync(place.path, 0o755);
    mkdirSync(forbidden, { mode: 0o555 });
    for (const each of [own, files]) {
      mkdirSync(each);
      chownSync(each, uid, uid);
    }
    writeFileSync(join(files, "mesh.yaml"), yaml(program({ name: "idle", command: ["sleep", "600"] })));
    const run = (directory: string, ...args: readonly string[]): Promise<Finished> => {
      const env = { PATH: "/usr/bin:/bin", HOME: own, WEFT_RUNTIME_DIR: join(own, "run"), TMPDIR: directory };
      return spawnProcess([...argv, executable, ...args], { cwd: own, env }).within(timeoutMs);
    };
    const places = ["--api", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--data-dir", join(own, "d")];
    const up = await run(forbidden, "up", files, ...places);
    expect({ code: up.code, lines: linesOf(up) }).toEqual({
      code: 69,
      lines: [
        expect.stringMatching(
          /^weft: weft needs a temporary folder, and .*forbidden cannot be written: EACCES.*; set TMPDIR to a folder in which this user may make files$/,
        ),
      ],
    });
    const check = await run(forbidden, "check", "--pre");
    expect({ code: check.code, stderr: check.stderr }).toEqual({ code: 0, stderr: "" });
    expect(check.stdout).toContain("set TMPDIR to a folder in which this user may make files");
    const good = await run(own, "check", "--pre");
    expect(good.code).toBe(0);
    expect(good.stdout + good.stderr).not.toContain("TMPDIR");
  },
  timeoutMs,
);
