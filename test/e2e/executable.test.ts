/** The single executable, in an empty folder with an empty environment: neither Bun nor node_modules nor a checkout is near. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "./harness/child-process.ts";
import { root } from "./harness/mesh.ts";
import { program, yaml } from "./harness/resources.ts";
import { TemporaryFolder } from "./harness/weft.ts";

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
