/** The record of a running mesh: how it is found, guarded, cleaned up after a crash and ended. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, processStartTime } from "../intercept/index.ts";
import { silentLog } from "../kernel/index.ts";
import {
  findInstance,
  hostSocketPath,
  Instance,
  type InstanceRecord,
  instanceRoot,
  runningInstances,
} from "./instance.ts";
import { siteVariable } from "./site-launch.ts";

let parent: string;
let root: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "weft-instance-"));
  root = join(parent, "weft");
});

afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

const what = {
  isolation: "loopback",
  dataDir: "/data",
  tokenFile: "/data/token",
  api: { address: "127.0.0.1", port: 15_080 },
  ads: { address: "127.77.0.2", port: 15_012 },
} as const;

test("is found by its name, and by itself when it is the only one", async () => {
  const one = await Instance.claim(root, "one", silentLog);
  one.publish(what);
  expect(findInstance(root, undefined)).toMatchObject({ name: "one", pid: process.pid, ...what });
  const two = await Instance.claim(root, "two", silentLog);
  two.publish(what);
  expect(findInstance(root, "two").id).toBe(two.id);
  expect(() => findInstance(root, undefined)).toThrow("several local meshes are running: one, two");
  expect(() => findInstance(root, "three")).toThrow("no local mesh named three is running");
  await one.close(silentLog);
  expect(runningInstances(root).map((record) => record.name)).toEqual(["two"]);
  await two.close(silentLog);
  expect(() => findInstance(root, undefined)).toThrow("no local mesh is running");
});

test("leaves nothing behind, and nothing that others may read", async () => {
  const instance = await Instance.claim(root, "default", silentLog);
  instance.publish(what);
  expect(statSync(instance.directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(instance.directory, "instance.json")).mode & 0o777).toBe(0o600);
  await instance.close(silentLog);
  await instance.close(silentLog);
  expect(readdirSync(parent)).toEqual([]);
});

test("a second one of the name is refused in one line that names the first, until it ends", async () => {
  const first = await Instance.claim(root, "default", silentLog);
  first.publish(what);
  const second = Instance.claim(root, "default", silentLog);
  await expect(second).rejects.toMatchObject({
    code: "already_exists",
    message: `an instance named default is running already (pid ${process.pid})`,
  });
  expect(findInstance(root, "default").id).toBe(first.id);
  await first.close(silentLog);
  const third = await Instance.claim(root, "default", silentLog);
  await third.close(silentLog);
});

/** What `kill -9` leaves: files, and processes that carry the mark. */
async function crash(): Promise<{ readonly id: string; readonly orphan: number }> {
  const script = `
    const { Instance } = await import(${JSON.stringify(join(import.meta.dir, "instance.ts"))});
    const { silentLog } = await import(${JSON.stringify(join(import.meta.dir, "../kernel/index.ts"))});
    const instance = await Instance.claim(${JSON.stringify(root)}, "default", silentLog);
    instance.publish(${JSON.stringify(what)});
    const child = Bun.spawn(["setsid", "sleep", "60"], {
      env: { ...process.env, ${siteVariable}: instance.id + "/shop/reviews" }, stdio: ["ignore", "ignore", "ignore"],
    });
    child.unref();
    console.log(JSON.stringify({ id: instance.id, orphan: child.pid }));
    await Bun.sleep(20);
    process.kill(process.pid, "SIGKILL");`;
  const run = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const said = JSON.parse(await new Response(run.stdout).text());
  await run.exited;
  return said;
}

test("the next one ends and removes what a killed one left", async () => {
  const { id, orphan } = await crash();
  expect(processStartTime(orphan)).toBeDefined();
  expect(runningInstances(root)).toEqual([]);
  const left = join(root, "default", "host", "127.0.0.1:8080.sock");
  writeFileSync(left, "");
  const next = await Instance.claim(root, "default", silentLog);
  expect(next.id).not.toBe(id);
  expect(processStartTime(orphan)).toBeUndefined();
  expect(existsSync(left)).toBe(false);
  expect(readdirSync(next.directory).toSorted()).toEqual(["host", "lock"]);
  await next.close(silentLog);
});

test("what a record says of numbers that belong to others by now harms nobody", async () => {
  const { orphan } = await crash();
  process.kill(orphan, 9);
  const bystander = launch({
    argv: ["sleep", "60"],
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["null", "null", "null"],
  });
  const record: InstanceRecord = {
    ...what,
    isolation: "netns",
    name: "default",
    id: crypto.randomUUID(),
    pid: bystander.pid,
    startTime: "1",
    // This machine's own network namespace: everything lives there.
    inner: { pid: bystander.pid, startTime: "1", netNamespaceId: statSync("/proc/self/ns/net").ino },
  };
  writeFileSync(join(root, "default", "instance.json"), JSON.stringify(record));
  const next = await Instance.claim(root, "default", silentLog);
  expect(processStartTime(bystander.pid)).toBeDefined();
  await next.close(silentLog);
  bystander.kill(9);
  await bystander.exited;
});

test("ending it ends every process of it", async () => {
  const instance = await Instance.claim(root, "default", silentLog);
  const stray = launch({
    argv: ["sleep", "60"],
    env: { PATH: process.env["PATH"] ?? "", [siteVariable]: `${instance.id}/shop/reviews` },
    stdio: ["null", "null", "null"],
  });
  await instance.close(silentLog);
  expect(await stray.exited).toEqual({ kind: "signal", signal: 9 });
});

test.each(["", "Upper", "-dash", "dash-", "a/b", "..", "x".repeat(33)])(
  "refuses the name %p",
  async (name) => {
    await expect(Instance.claim(root, name, silentLog)).rejects.toMatchObject({ code: "bad_input" });
  },
);

test("refuses a path too long for sockets, and directories that others may write to", async () => {
  const long = join(parent, "x".repeat(90));
  await expect(Instance.claim(long, "default", silentLog)).rejects.toThrow("too long for unix sockets");
  mkdirSync(root);
  chmodSync(root, 0o777);
  await expect(Instance.claim(root, "default", silentLog)).rejects.toMatchObject({ code: "permission" });
});

test("a broken record is no running instance and no obstacle", async () => {
  for (const text of ["", "{", "[]", '{"name":"default"}']) {
    mkdirSync(join(root, "default"), { recursive: true, mode: 0o700 });
    writeFileSync(join(root, "default", "instance.json"), text);
    expect(runningInstances(root)).toEqual([]);
    const instance = await Instance.claim(root, "default", silentLog);
    await instance.close(silentLog);
  }
});

test("lives where the environment says", () => {
  expect(instanceRoot({ WEFT_RUNTIME_DIR: "/r", XDG_RUNTIME_DIR: parent })).toBe("/r");
  expect(instanceRoot({ XDG_RUNTIME_DIR: parent })).toBe(join(parent, "weft"));
  expect(instanceRoot({ XDG_RUNTIME_DIR: "/no/such/directory" })).toStartWith(tmpdir());
  expect(hostSocketPath("/r/default", { address: "127.0.0.1", port: 8080 })).toBe(
    "/r/default/host/127.0.0.1:8080.sock",
  );
});
