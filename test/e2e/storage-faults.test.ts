/** A disk that is full and a database that is damaged: writes are refused in words, and nothing that was acknowledged is lost. */
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { killNow, processOf } from "./harness/mesh-processes.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";
import { testUnless } from "./harness/requirements.ts";
import { configMap, gatewayTo, webProgram, yaml } from "./harness/resources.ts";
import { SmallDisk } from "./harness/small-disk.ts";
import { linesOf, runWeft, TemporaryFolder } from "./harness/weft.ts";

const files = { "mesh.yaml": yaml(webProgram("v1"), gatewayTo({ web: 1 })) };
const recoveryTimeoutMs = 30_000;

testUnless(SmallDisk.refusal())(
  "a full disk refuses transactions in words, keeps the acknowledged ones, and traffic goes on",
  async () => {
    using disk = new SmallDisk(24);
    await using mesh = await startMesh({ files, dataDir: disk.path });
    await mesh.apply(yaml(configMap("before")));

    disk.fill();
    const refused = await applyBig(mesh, "refused");
    expect(refused.code).toBe(1);
    expect(linesOf(refused)).toEqual([expect.stringMatching(/disk.*full|no space|space left/i)]);
    expect((await mesh.weft("get", "configmap", "refused")).code).toBe(1);
    expect((await mesh.weft("get", "configmap", "before")).code).toBe(0);
    for (let i = 0; i < 50; i++) expect((await mesh.get("/")).status).toBe(200);

    disk.free();
    expect((await applyBig(mesh, "after")).code).toBe(0);
    const control = processOf(mesh, "control");
    killNow(control);
    await eventually(async () => {
      expect(processOf(mesh, "control").pid).not.toBe(control.pid);
      for (const name of ["before", "after"])
        expect((await mesh.weft("get", "configmap", name)).code).toBe(0);
    }, recoveryTimeoutMs);
    expect((await mesh.weft("get", "configmap", "refused")).code).toBe(1);
    expect((await mesh.weft("status", "--wait")).code).toBe(0);
    await mesh.end();
    mesh.assertNothingLeft();
  },
);

test("a damaged database is refused in one line, untouched, and good again from its copy", async () => {
  using data = new TemporaryFolder();
  const dataDir = join(data.path, "data");
  {
    await using mesh = await startMesh({ files, dataDir, isolation: "loopback" });
    await mesh.apply(yaml(configMap("kept", "x".repeat(20_000))));
  }
  const store = join(dataDir, "store.sqlite");
  const copy = readFileSync(store);
  damage(store);
  const damaged = readFileSync(store);

  const env = { WEFT_RUNTIME_DIR: join(data.path, "run") };
  const started = await runWeft(["control", "--data-dir", dataDir, "--api", "0", "--ads", "0"], { env });
  expect(started.code).toBe(1);
  expect(linesOf(started)).toEqual([expect.stringContaining("store.sqlite")]);
  expect(linesOf(started)[0]).toMatch(/damaged|corrupt|malformed/);
  expect(readFileSync(store).equals(damaged)).toBe(true);

  const up = await runWeft(
    [
      "up",
      data.path,
      "--data-dir",
      dataDir,
      "--isolation",
      "loopback",
      "--api",
      "0",
      "--gateway",
      "127.0.0.1:0",
    ],
    { env },
  );
  expect(up.code).not.toBe(0);
  expect(linesOf(up).at(-1)).toMatch(/damaged|corrupt|malformed/);

  writeFileSync(store, copy);
  await using mesh = await startMesh({ files, dataDir, isolation: "loopback" });
  expect((await mesh.weft("get", "configmap", "kept")).code).toBe(0);
});

function applyBig(mesh: TestMesh, name: string) {
  const text = yaml(configMap(name, "x".repeat(500_000)));
  return runWeft(["apply", "-f", "-", "--instance", mesh.instance], { env: mesh.env, stdin: text });
}

/** Every second page, but not the first: what a failing disk leaves. */
function damage(path: string): void {
  const pageBytes = 4_096;
  const fd = openSync(path, "r+");
  const pages = Math.floor(statSync(path).size / pageBytes);
  for (let page = 1; page < pages; page += 2) {
    writeSync(fd, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, page * pageBytes);
  }
  closeSync(fd);
  if (pages < 4) throw new Error("the database is too small to be damaged");
}
