/** What only a store in a file can show: restarts, damage, full disks and sudden death. The rest is the store contract. */
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock, VirtualClock, WeftError } from "../kernel/index.ts";
import { openSqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
import { configMap, storeContract } from "./store.contract.ts";
import type { Store } from "./store.ts";

const meta = { author: "ann", message: "test" };
const directory = mkdtempSync(join(tmpdir(), "weft-store-"));
let files = 0;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function newPath(): string {
  return join(directory, `store-${files++}.sqlite`);
}

function open(path: string, more: Partial<SqliteStoreOptions> = {}): Store {
  return openSqliteStore({ path, clock: new VirtualClock(), log: silentLog, ...more });
}

function refusal(action: () => unknown): WeftError {
  try {
    action();
  } catch (error) {
    if (error instanceof WeftError) return error;
    throw error;
  }
  throw new Error("expected a refusal");
}

storeContract("sqlite in a file", { open: (limits) => open(newPath(), limits) });
storeContract("sqlite in memory", { open: (limits) => open(":memory:", limits) });

describe("sqlite store", () => {
  test("has everything again after a restart: objects, numbers, history and watch", async () => {
    const path = newPath();
    const first = open(path);
    await first.commit([{ type: "put", object: configMap("a", "1") }], meta);
    await first.commit([{ type: "put", object: configMap("b", "1") }], { ...meta, anchor: "kept" });
    const before = first.list({ kind: "ConfigMap" });
    first.close();
    const second = open(path);
    expect(second.list({ kind: "ConfigMap" })).toEqual(before);
    expect([second.revision, second.sequence, second.anchor]).toEqual([2, 2, "kept"]);
    expect((await second.history(10)).map((commit) => commit.revision)).toEqual([2, 1]);
    const names: string[] = [];
    expect(second.watch(1, (events) => void names.push(...events.map((event) => event.key.name)))).not.toBe(
      "gone",
    );
    await Promise.resolve();
    expect(names).toEqual(["b"]);
    second.close();
  });

  test("keeps the file to its owner", () => {
    const path = newPath();
    const store = open(path);
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
    store.close();
  });

  test("refuses a second control plane on the same file", () => {
    const path = newPath();
    const store = open(path);
    const error = refusal(() => open(path));
    expect(error.code).toBe("io");
    expect(error.fields["failure"]).toBe("busy");
    store.close();
    open(path).close();
  });

  test("refuses a file that is no database, and leaves it as it is", () => {
    const path = newPath();
    const garbage = "this is not a database, but it is long enough to be read as one. ".repeat(100);
    writeFileSync(path, garbage);
    const error = refusal(() => open(path));
    expect([error.code, error.fields["failure"]]).toEqual(["io", "corrupt"]);
    expect(error.hint).toContain("backup");
    expect(readFileSync(path, "utf8")).toBe(garbage);
  });

  test("finds damage inside the file when it opens", async () => {
    const path = newPath();
    const store = open(path);
    for (let i = 0; i < 200; i++)
      await store.commit([{ type: "put", object: configMap(`c-${i}`, "x".repeat(500)) }], meta);
    store.close();
    const size = statSync(path).size;
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(20_000, 0xa5), 0, 20_000, Math.floor(size / 2 / 4096) * 4096);
    closeSync(file);
    const error = refusal(() => open(path));
    expect([error.code, error.fields["failure"]]).toEqual(["io", "corrupt"]);
  });

  test("refuses a database of a newer version", () => {
    const path = newPath();
    const store = open(path);
    store.close();
    const database = new Database(path);
    database.run("INSERT INTO migrations VALUES (999, 0)");
    database.close();
    expect(refusal(() => open(path)).message).toContain("newer weft");
  });

  test("says so when it may not write there", () => {
    const error = refusal(() => open(join(directory, "missing", "store.sqlite")));
    expect(error.code).toBe("permission");
    expect(error.hint).toContain("directory exists");
  });

  test("refuses a write that does not fit, changes nothing, and goes on when there is room", async () => {
    const path = newPath();
    const store = open(path, { maxPages: 60 });
    const acknowledged: string[] = [];
    let full: WeftError | undefined;
    for (let i = 0; i < 200 && full === undefined; i++) {
      const name = `c-${i}`;
      const write = store.commit([{ type: "put", object: configMap(name, "x".repeat(4000)) }], meta);
      full = await write.then(
        () => undefined,
        (error: unknown) => (error instanceof WeftError ? error : undefined),
      );
      if (full === undefined) acknowledged.push(name);
    }
    expect([full?.code, full?.fields["failure"]]).toEqual(["io", "full"]);
    expect(full?.hint).toContain("free space");
    const names = (each: Store): string[] =>
      each.list({ kind: "ConfigMap" }).items.map((item) => item.metadata.name);
    expect(names(store).toSorted()).toEqual(acknowledged.toSorted());
    expect(store.revision).toBe(acknowledged.length);
    store.close();

    const roomier = open(path, { maxPages: 1000 });
    expect(names(roomier).toSorted()).toEqual(acknowledged.toSorted());
    await roomier.commit([{ type: "put", object: configMap("fits", "now") }], meta);
    expect(roomier.revision).toBe(acknowledged.length + 1);
    roomier.close();
  });

  const canMount = Bun.spawnSync(["unshare", "-m", "true"], { stderr: "ignore" }).exitCode === 0;
  test.skipIf(!canMount)("survives a disk that is really full (needs the right to mount)", () => {
    const mountPoint = join(directory, "small");
    mkdirSync(mountPoint);
    const script = 'mount -t tmpfs -o size=3m none "$0" && exec "$1" "$2" "$0"';
    const child = join(import.meta.dir, "testing", "fill-disk.ts");
    const run = Bun.spawnSync(["unshare", "-m", "sh", "-c", script, mountPoint, process.execPath, child]);
    expect(run.stderr.toString()).toBe("");
    expect(JSON.parse(run.stdout.toString())).toEqual({
      code: "io",
      failure: "full",
      wroteSome: true,
      goesOn: true,
      isComplete: true,
    });
  });

  test("loses no acknowledged commit when it is killed while it writes", async () => {
    const path = newPath();
    let acknowledged = 0;
    for (let round = 0; round < 4; round++) {
      const child = Bun.spawn(
        [process.execPath, join(import.meta.dir, "testing", "commit-forever.ts"), path],
        {
          stdout: "pipe",
          stderr: "inherit",
        },
      );
      const wanted = acknowledged + 15 + round;
      let output = "";
      for await (const chunk of child.stdout) {
        output += Buffer.from(chunk).toString();
        const seen = Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1));
        if (child.killed) acknowledged = Math.max(acknowledged, seen);
        else if (seen >= wanted) child.kill("SIGKILL");
        acknowledged = Math.max(acknowledged, seen);
      }
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL");
      const store = open(path, { clock: systemClock });
      expect(store.revision).toBeGreaterThanOrEqual(acknowledged);
      // The two objects of a commit are there together or not at all.
      expect(store.get({ kind: "ConfigMap", namespace: "default", name: "last" })?.data?.["value"]).toBe(
        String(store.revision),
      );
      expect(store.list({ kind: "ConfigMap" }).items.length).toBe(store.revision + 1);
      expect((await store.history(1))[0]?.revision).toBe(store.revision);
      acknowledged = store.revision;
      store.close();
    }
  }, 60_000);
});
