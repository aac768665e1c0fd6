/** The window through time, restarts, full and broken disks: what was counted is there as long as it may be, and no longer. */
import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { createLog, type Log, VirtualClock } from "../../kernel/index.ts";
import { RollingWindow, type RollingWindowOptions } from "./rolling-window.ts";
import { SlotFile, type SlotStore } from "./slot-file.ts";

const directories: string[] = [];
const files: SlotFile[] = [];
afterEach(() => {
  for (const file of files.splice(0)) file.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "weft-window-"));
  directories.push(directory);
  return join(directory, "signals.sqlite");
}

function recordingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog({ format: "text", level: "info", write: (line) => void lines.push(line) }), lines };
}

function openFile(path: string, log: Log): SlotFile {
  const file = SlotFile.open({ path, log });
  if (file === undefined) throw new Error("no file");
  files.push(file);
  return file;
}

function closeFile(file: SlotFile): void {
  files.splice(files.indexOf(file), 1);
  file.close();
}

function windowOf(
  clock: VirtualClock,
  store?: SlotStore,
  options: Partial<RollingWindowOptions<string>> = {},
) {
  return new RollingWindow<string>({
    ...{
      clock,
      slotMs: 10_000,
      slots: 6,
      maxSeries: 100,
      maxBytes: 1_000_000,
      keyOf: (label: string) => label,
    },
    disk: store && {
      store,
      memorySlots: 2,
      readLabels: (json) => (typeof json === "string" ? json : undefined),
    },
    ...options,
  });
}

function count(window: RollingWindow<string>, label: string, amount: number): void {
  window.roll();
  const cell = window.cell(window.entry(label) ?? window.entryAlways("other"));
  cell.count += amount;
  for (let i = 0; i < amount; i++) cell.durations.record(1_000 + i);
}

function countsOf(window: RollingWindow<string>, windowMs = window.longestMs): Record<string, number> {
  const counts: Record<string, number> = {};
  window.read(window.span(windowMs), (label, cell) => (counts[label] = (counts[label] ?? 0) + cell.count));
  return counts;
}

test("reading is summing up what was counted in the slots of the span", () => {
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom("a", "b", "c"),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 15_000 }),
    ),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 7 }), (given, slots) => {
      const clock = new VirtualClock();
      const window = windowOf(clock);
      const all: { label: string; amount: number; slot: number }[] = [];
      for (const [label, amount, waitMs] of given) {
        clock.advance(waitMs);
        count(window, label, amount);
        all.push({ label, amount, slot: Math.floor(clock.nowMs() / 10_000) * 10_000 });
      }
      const span = window.span(slots * 10_000);
      const expected: Record<string, number> = {};
      for (const { label, amount, slot } of all) {
        if (slot >= span.fromMs && slot < span.toMs) expected[label] = (expected[label] ?? 0) + amount;
      }
      expect(countsOf(window, slots * 10_000)).toEqual(expected);
    }),
  );
});

test("an old span is read as it was", () => {
  const clock = new VirtualClock();
  const window = windowOf(clock);
  for (const label of ["a", "b", "c"]) {
    count(window, label, 1);
    clock.advance(10_000);
  }
  const seen: string[] = [];
  window.read(window.span(10_000, clock.nowMs() - 15_000), (label) => seen.push(label));
  expect(seen).toEqual(["b"]);
});

test("a restart keeps the window, and goes on with the slot that was open", () => {
  const path = temporaryFile();
  const { log } = recordingLog();
  const clock = new VirtualClock();
  let file = openFile(path, log);
  let window = windowOf(clock, file.window("w"));
  for (let slot = 0; slot < 4; slot++) {
    count(window, "a", 10);
    count(window, `only ${slot}`, 1);
    clock.advance(10_000);
  }
  count(window, "a", 5);
  window.close();
  closeFile(file);

  file = openFile(path, log);
  window = windowOf(clock, file.window("w"));
  count(window, "a", 2);
  expect(countsOf(window)).toEqual({ a: 47, "only 0": 1, "only 1": 1, "only 2": 1, "only 3": 1 });
  expect(countsOf(window, 10_000)).toEqual({ a: 17, "only 3": 1 });
  clock.advance(30_000);
  expect(countsOf(window)).toEqual({ a: 37, "only 1": 1, "only 2": 1, "only 3": 1 });
  clock.advance(60_000);
  expect(countsOf(window)).toEqual({});
  count(window, "a", 1);
  window.close();
  expect(file.window("w").slots()).toHaveLength(1);
  expect(file.window("w").series().length).toBeLessThan(6);
});

test("after a crash all but the open slot is there", () => {
  const path = temporaryFile();
  const { log } = recordingLog();
  const clock = new VirtualClock();
  const file = openFile(path, log);
  const window = windowOf(clock, file.window("w"));
  count(window, "a", 10);
  clock.advance(10_000);
  count(window, "a", 3);
  closeFile(file);
  expect(countsOf(windowOf(clock, openFile(path, log).window("w")))).toEqual({ a: 10 });
});

test("two windows in one file do not mix", () => {
  const clock = new VirtualClock();
  const file = openFile(temporaryFile(), recordingLog().log);
  const [one, other] = [windowOf(clock, file.window("one")), windowOf(clock, file.window("other"))];
  count(one, "a", 1);
  count(other, "a", 2);
  clock.advance(60_000);
  for (const window of [one, other]) window.roll();
  expect([file.window("one").slots().length, file.window("other").slots().length]).toEqual([1, 1]);
});

test("only the newest slots are in memory, the others on disk alone", () => {
  const clock = new VirtualClock();
  const window = windowOf(clock, openFile(temporaryFile(), recordingLog().log).window("w"));
  const inMemory = windowOf(clock);
  for (let slot = 0; slot < 6; slot++) {
    for (const each of [window, inMemory]) count(each, "a", 10);
    clock.advance(10_000);
  }
  expect(countsOf(window)).toEqual(countsOf(inMemory));
  expect(window.memoryBytes).toBeLessThan(inMemory.memoryBytes / 2);
});

test("memory is bounded: the oldest slots go, and the window says that it covers less", () => {
  const clock = new VirtualClock();
  const window = windowOf(clock, undefined, { maxBytes: 150 });
  for (let slot = 0; slot < 6; slot++) {
    count(window, "a", 10);
    clock.advance(10_000);
  }
  window.roll();
  expect(window.memoryBytes).toBeLessThanOrEqual(150);
  const kept = countsOf(window)["a"] ?? 0;
  expect(kept).toBeGreaterThan(0);
  expect(window.span(60_000).coveredMs).toBe(kept * 1_000);
});

test("a disk that takes nothing costs a line in the log; what it missed is written when it can", () => {
  const clock = new VirtualClock();
  const { log, lines } = recordingLog();
  const file = openFile(temporaryFile(), log);
  const store = file.window("w");
  let isFull = false;
  const full: SlotStore = {
    slots: () => store.slots(),
    series: () => store.series(),
    read: (startMs) => store.read(startMs),
    forgetAfter: (startMs) => store.forgetAfter(startMs),
    write(write) {
      if (isFull) throw new Error("database or disk is full");
      store.write(write);
    },
  };
  const window = windowOf(clock, full, { log });
  const fill = (): void => {
    count(window, "a", 10);
    clock.advance(10_000);
    window.roll();
  };
  fill();
  isFull = true;
  for (let slot = 0; slot < 3; slot++) fill();
  expect(window.diskProblem).toContain("disk is full");
  expect(lines.filter((line) => line.includes("stay in memory"))).toHaveLength(1);
  expect(countsOf(window)).toEqual({ a: 40 });
  expect(store.slots()).toHaveLength(1);
  isFull = false;
  fill();
  expect(window.diskProblem).toBeUndefined();
  expect(store.slots()).toHaveLength(5);
  expect(lines.at(-1)).toContain("written to the disk again");
});

test("the file's own bound is a full disk", () => {
  const path = temporaryFile();
  const clock = new VirtualClock();
  const { log } = recordingLog();
  const file = SlotFile.open({ path, log, maxBytes: 65_536 });
  if (file === undefined) throw new Error("no file");
  files.push(file);
  const window = windowOf(clock, file.window("w"), { slots: 600, maxSeries: 5_000, maxBytes: 10_000_000 });
  for (let slot = 0; slot < 200; slot++) {
    for (let label = 0; label < 100; label++) count(window, `${slot} ${label}`, 1);
    clock.advance(10_000);
  }
  window.roll();
  expect(window.diskProblem).toContain("full");
  expect(statSync(path).size).toBeLessThanOrEqual(65_536);
  expect(Object.values(countsOf(window)).reduce((sum, each) => sum + each, 0)).toBe(20_000);
});

test("a file that is no database is set aside and a new one begun", () => {
  const path = temporaryFile();
  const { log, lines } = recordingLog();
  writeFileSync(path, "this is no database, and long enough that nobody takes it for an empty one");
  const file = openFile(path, log);
  expect(file.window("w").slots()).toEqual([]);
  expect(readFileSync(`${path}.broken`, "utf8")).toContain("no database");
  expect(lines[0]).toContain("set aside");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a file that was damaged is set aside, at whatever place", () => {
  const path = temporaryFile();
  const clock = new VirtualClock();
  const { log } = recordingLog();
  const file = openFile(path, log);
  const window = windowOf(clock, file.window("w"), { slots: 100 });
  for (let slot = 0; slot < 50; slot++) {
    for (let label = 0; label < 50; label++) count(window, `a longer name of a series ${slot} ${label}`, 3);
    clock.advance(10_000);
  }
  window.roll();
  closeFile(file);
  const good = readFileSync(path);
  for (let page = 0; page * 4_096 < good.length; page++) {
    const damaged = Buffer.from(good);
    damaged.fill(0xa5, page * 4_096, (page + 1) * 4_096);
    writeFileSync(path, damaged);
    const reopened = openFile(path, log);
    const again = windowOf(clock, reopened.window("w"), { slots: 100, log });
    // Whatever could not be read is gone or is told; nothing throws.
    expect(Object.keys(countsOf(again)).length).toBeLessThanOrEqual(2_501);
    count(again, "b", 1);
    clock.advance(10_000);
    again.roll();
    closeFile(reopened);
    rmSync(`${path}.broken`, { force: true });
  }
});

test("where there is no way to have a file, there is none", () => {
  const path = temporaryFile();
  const { log, lines } = recordingLog();
  expect(SlotFile.open({ path: join(path, "below-a-file"), log })).toBeUndefined();
  expect(lines.at(-1)).toContain("in memory only");
  expect(existsSync(path)).toBe(false);
});

test("slots of a time that has not come are let go at a start", () => {
  const path = temporaryFile();
  const { log } = recordingLog();
  const later = new VirtualClock(1_700_000_100_000);
  const file = openFile(path, log);
  const window = windowOf(later, file.window("w"));
  count(window, "a", 1);
  window.close();
  const earlier = windowOf(new VirtualClock(1_700_000_000_000), file.window("w"));
  count(earlier, "a", 2);
  expect(countsOf(earlier)).toEqual({ a: 2 });
});
