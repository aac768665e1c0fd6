/** What is remembered, for how long, and what a file may say. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, VirtualClock } from "../../kernel/index.ts";
import { eventually } from "../testing/eventually.ts";
import { ProtocolMemory } from "./protocol-memory.ts";

let directory = "";
let path = "";
let clock = new VirtualClock();
const open = (): ProtocolMemory => new ProtocolMemory({ path, clock, log: silentLog });
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-protocols-"));
  path = join(directory, "protocols.json");
  clock = new VirtualClock();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("what was learned is there after a restart, in a private file", async () => {
  const memory = open();
  memory.learn("shop/db:3306@shop", "server-first");
  memory.learn("shop/web:80@shop", "http");
  memory.learn("inbound:6379", "tcp");
  await memory.flush();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const later = open();
  expect(later.recall("shop/db:3306@shop")).toBe("server-first");
  expect(later.recall("shop/web:80@shop")).toBe("http");
  expect(later.recall("inbound:6379")).toBe("tcp");
  expect(later.recall("shop/other:1@shop")).toBeUndefined();
});

test("a burst is one write, a second later, and what is known already is none", async () => {
  const memory = open();
  for (let i = 0; i < 10; i++) memory.learn(`shop/a:${i}@shop`, "http");
  clock.advance(999);
  expect(existsSync(path)).toBe(false);
  clock.advance(1);
  await eventually(() => existsSync(path), "written");
  await memory.flush();
  rmSync(path);
  memory.learn("shop/a:3@shop", "http");
  clock.advance(5_000);
  await memory.flush();
  expect(existsSync(path)).toBe(false);
});

test("the newest word counts", () => {
  const memory = open();
  memory.learn("key", "server-first");
  memory.learn("key", "http");
  expect(memory.recall("key")).toBe("http");
  expect(memory.size).toBe(1);
});

test("it is bounded, and what is used stays", () => {
  const memory = open();
  memory.learn("used", "tcp");
  for (let i = 0; i < 3_000; i++) {
    memory.learn(`scan:${i}`, "tcp");
    memory.recall("used");
  }
  expect(memory.size).toBe(1_024);
  expect(memory.recall("used")).toBe("tcp");
  expect(memory.recall("scan:0")).toBeUndefined();
  memory.learn("x".repeat(513), "tcp");
  expect(memory.recall("x".repeat(513))).toBeUndefined();
});

const entry = (key: unknown, spoken: unknown): string =>
  JSON.stringify({
    format: "weft-protocols/1",
    entries: [
      ["good", "http"],
      [key, spoken],
    ],
  });
test.each([
  ["is empty", ""],
  ["was cut off", entry("a", "tcp").slice(0, -3)],
  ["is of another format", JSON.stringify({ format: "weft-protocols/2", entries: [] })],
  ["is no object", "[]"],
  ["has no list", JSON.stringify({ format: "weft-protocols/1", entries: {} })],
  ["says something unknown", entry("a", "ftp")],
  ["names no key", entry(7, "tcp")],
  ["has a name that is too long", entry("x".repeat(513), "tcp")],
  ["is not text", Buffer.from([0xff, 0xfe, 0x00])],
  ["is huge", Buffer.alloc(2_000_000, 0x20)],
  [
    "has too many entries",
    JSON.stringify({ format: "weft-protocols/1", entries: Array(1_025).fill(["a", "tcp"]) }),
  ],
])("a file that %s is ignored and written anew", async (_what, bytes) => {
  writeFileSync(path, bytes, { mode: 0o600 });
  const memory = open();
  expect(memory.size).toBe(0);
  memory.learn("key", "http");
  await memory.flush();
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
    format: "weft-protocols/1",
    entries: [["key", "http"]],
  });
});

test("a file that others may read is not believed, a place that cannot be written to is survived", async () => {
  writeFileSync(path, entry("a", "tcp"), { mode: 0o600 });
  chmodSync(path, 0o644);
  expect(open().size).toBe(0);
  const nowhere = new ProtocolMemory({ path: join(path, "below"), clock, log: silentLog });
  nowhere.learn("key", "http");
  await nowhere.flush();
  expect(nowhere.recall("key")).toBe("http");
});

test("without a place it works and writes nothing", async () => {
  const memory = new ProtocolMemory({ path: undefined, clock, log: silentLog });
  memory.learn("key", "http");
  await memory.flush();
  expect(memory.recall("key")).toBe("http");
});
