/** Writes that share a flush of the disk: their order, what they are planned on, who sees them when, and what a loss of power leaves. */
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, VirtualClock, WeftError } from "../kernel/index.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { configMap } from "./store.contract.ts";
import type { Store, WatchEvent } from "./store.ts";

const meta = { author: "ann", message: "test" };
const directory = mkdtempSync(join(tmpdir(), "weft-group-commit-"));
let files = 0;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A disk whose flushes end when the test says so. */
class Disk {
  readonly path = join(directory, `store-${files++}.sqlite`);
  readonly store: Store;
  flushes = 0;
  /** Bytes of the log that are surely there. */
  safeBytes = 0;
  #end: ((error?: Error) => void) | undefined;

  constructor() {
    this.store = openSqliteStore({
      path: this.path,
      clock: new VirtualClock(),
      log: silentLog,
      flush: () => {
        this.flushes++;
        const bytes = statSync(`${this.path}-wal`).size;
        return new Promise((resolve, reject) => {
          this.#end = (error) => {
            if (error === undefined) this.safeBytes = bytes;
            if (error === undefined) resolve();
            else reject(error);
          };
        });
      },
    });
  }

  async endFlush(error?: Error): Promise<void> {
    const end = this.#end;
    this.#end = undefined;
    if (end === undefined) throw new Error("nothing is being flushed");
    end(error);
    await turns();
  }

  /** What another start finds after the power went: all that was flushed, and of the rest nothing. */
  afterPowerLoss(): Store {
    const copy = join(directory, `copy-${files++}.sqlite`);
    copyFileSync(this.path, copy);
    copyFileSync(`${this.path}-wal`, `${copy}-wal`);
    truncateSync(`${copy}-wal`, this.safeBytes);
    return openSqliteStore({ path: copy, clock: new VirtualClock(), log: silentLog });
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function put(name: string, value: string, expectedResourceVersion?: string) {
  return { type: "put", object: configMap(name, value), expectedResourceVersion } as const;
}

function valueOf(store: Store, name: string): string | undefined {
  return store.get({ kind: "ConfigMap", namespace: "default", name })?.data?.["value"];
}

function codeOf(error: unknown): string {
  return error instanceof WeftError ? error.code : String(error);
}

describe("writes that share a flush", () => {
  test("are made while the disk is busy, seen and acknowledged after it, in order", async () => {
    const disk = new Disk();
    const { store } = disk;
    const events: string[] = [];
    store.watch(0, (batch: readonly WatchEvent[]) => {
      events.push(...batch.map(({ key, sequence, revision }) => `${key.name} ${sequence} ${revision}`));
    });
    const told: string[] = [];
    const first = store.writeOperational([put("a", "1")]).then(() => void told.push("first"));
    const more = Array.from({ length: 50 }, (_, index) =>
      store.writeOperational([put(`m-${index}`, "1")]).then(({ sequence }) => void told.push(`${sequence}`)),
    );
    const commit = store.commit([put("b", "1")], meta).then(() => void told.push("commit"));
    await turns();
    expect([disk.flushes, store.sequence, store.revision, events.length, told.length]).toEqual([
      1, 0, 0, 0, 0,
    ]);
    expect([valueOf(store, "a"), (await store.history(10)).length]).toEqual([undefined, 0]);
    // The flush began after the first write and before the others.
    await disk.endFlush();
    expect([told, events, store.sequence]).toEqual([["first"], ["a 1 0"], 1]);
    expect(disk.flushes).toBe(2);
    await disk.endFlush();
    await Promise.all([first, ...more, commit]);
    expect(told).toEqual(["first", ...Array.from({ length: 50 }, (_, index) => `${index + 2}`), "commit"]);
    expect(events.at(-1)).toBe("b 52 1");
    expect([disk.flushes, store.sequence, store.revision]).toEqual([2, 52, 1]);
    store.close();
  });

  test("are compared with those before them, on the disk or not yet", async () => {
    const disk = new Disk();
    const { store } = disk;
    const created = store.commit([put("a", "1", "")], meta);
    const refused: string[] = [];
    const second = store
      .commit([put("a", "2", "")], meta)
      .catch((error: unknown) => void refused.push(codeOf(error)));
    const replaced = store.commit([put("a", "3", "1")], meta);
    const stale = store
      .commit([put("a", "4", "1")], meta)
      .catch((error: unknown) => void refused.push(codeOf(error)));
    const unplanned = store
      .commit([put("b", "1")], { ...meta, plannedOn: 0 })
      .catch((error: unknown) => void refused.push(codeOf(error)));
    await turns();
    // Nobody hears that another was first before the other is sure to have been there.
    expect(refused).toEqual([]);
    await disk.endFlush();
    await disk.endFlush();
    await Promise.all([created, second, replaced, stale, unplanned]);
    expect(refused.toSorted()).toEqual(["already_exists", "conflict", "conflict"]);
    expect([valueOf(store, "a"), store.revision, store.sequence]).toEqual(["3", 2, 2]);
    store.close();
  });

  test("are lost together or not at all when the power goes; none that was acknowledged", async () => {
    const disk = new Disk();
    const acknowledged: string[] = [];
    const write = (name: string): void =>
      void disk.store.writeOperational([put(name, "1"), put(`${name}-too`, "1")]).then(
        () => acknowledged.push(name),
        () => {},
      );
    write("a");
    await turns();
    write("b");
    write("c");
    const names = (store: Store): string[] =>
      store.list({ kind: "ConfigMap" }).items.map(({ metadata }) => metadata.name);
    const nothing = disk.afterPowerLoss();
    expect([names(nothing), acknowledged]).toEqual([[], []]);
    await disk.endFlush();
    const one = disk.afterPowerLoss();
    expect([names(one), acknowledged, one.sequence]).toEqual([["a", "a-too"], ["a"], 2]);
    await disk.endFlush();
    const all = disk.afterPowerLoss();
    expect([names(all), acknowledged]).toEqual([
      ["a", "a-too", "b", "b-too", "c", "c-too"],
      ["a", "b", "c"],
    ]);
    for (const store of [nothing, one, all, disk.store]) store.close();
  });

  test("are all refused where the disk fails, and so is what comes later", async () => {
    const disk = new Disk();
    const kept = disk.store.commit([put("kept", "1")], meta);
    await turns();
    await disk.endFlush();
    await kept;
    const results = Promise.allSettled([
      disk.store.commit([put("a", "1")], meta),
      disk.store.writeOperational([put("b", "1")]),
    ]);
    await turns();
    await disk.endFlush(new Error("EIO"));
    const codes = (await results).map((result) =>
      result.status === "rejected" ? codeOf(result.reason) : "",
    );
    expect(codes).toEqual(["io", "io"]);
    expect([valueOf(disk.store, "a"), valueOf(disk.store, "kept"), disk.store.revision]).toEqual([
      undefined,
      "1",
      1,
    ]);
    expect(await disk.store.commit([put("c", "1")], meta).catch(codeOf)).toBe("io");
    disk.store.close();
  });

  test("are on the disk when the store is closed", async () => {
    const disk = new Disk();
    const written = disk.store.commit([put("a", "1")], meta);
    await turns();
    disk.store.close();
    expect((await written).revision).toBe(1);
    const again = openSqliteStore({ path: disk.path, clock: new VirtualClock(), log: silentLog });
    expect([valueOf(again, "a"), again.revision]).toEqual(["1", 1]);
    again.close();
  });
});
