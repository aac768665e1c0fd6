/** Which commit changed an object last, over a store that somebody else may write too. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { keyOf, parseObject, type ObjectKey } from "../../api/index.ts";
import { silentLog, VirtualClock } from "../../kernel/index.ts";
import { openSqliteStore, type Store, type Write } from "../../store/index.ts";
import { LastRevisions } from "./last-revisions.ts";

const meta = { author: "test", message: "" };
let store: Store;
/** How many commits were read, in the order of the questions. */
let read: number[] = [];
let whilePaused: () => Promise<unknown> = async () => {};
let revisions: LastRevisions;

beforeEach(() => {
  store = openSqliteStore({ path: ":memory:", clock: new VirtualClock(), log: silentLog });
  read = [];
  whilePaused = async () => {};
  const history: Store["history"] = async (limit, before) => {
    const commits = await store.history(limit, before);
    read.push(commits.length);
    return commits;
  };
  revisions = new LastRevisions({ history }, async () => void (await whilePaused()));
});
afterEach(() => store.close());

test("tells the last commit of each object, and reads only the commits that it does not know", async () => {
  await store.commit([put("a", "1"), put("b", "1")], meta);
  await store.commit([put("a", "2")], meta);
  await revisions.follow(2);
  expect(of("a", "b", "c")).toEqual([2, 1, undefined]);
  await revisions.follow(2);
  await store.commit([put("b", "2")], meta);
  await revisions.follow(3);
  expect(of("a", "b")).toEqual([2, 3]);
  expect(read).toEqual([2, 1]);
});

test("takes no commit for another one where others come while it reads", async () => {
  for (let i = 0; i < 60; i++) await store.commit([put(`a${i}`, "1")], meta);
  whilePaused = () => {
    const value = String(store.revision);
    return store.commit([put("late", value), put("a0", value)], meta);
  };
  await revisions.follow(60);
  expect(of("a0", "a59", "late")).toEqual([1, 60, undefined]);
  whilePaused = async () => {};
  await revisions.follow(store.revision);
  expect(of("a0", "a59", "late")).toEqual([store.revision, 60, store.revision]);
});

test("keeps nothing of what is gone", async () => {
  await store.commit([put("a", "1")], meta);
  await revisions.follow(1);
  await store.commit([{ type: "delete", key: keyOfName("a") }], meta);
  await revisions.follow(2);
  expect(of("a")).toEqual([undefined]);
  await store.commit([put("a", "1"), put("b", "1")], meta);
  await store.commit([{ type: "delete", key: keyOfName("b") }], meta);
  await revisions.follow(4);
  expect(of("a", "b")).toEqual([3, undefined]);
});

test("says nothing of what commits may have changed that it passed over", async () => {
  await store.commit([put("a", "1"), put("b", "1")], meta);
  await revisions.follow(1);
  for (let i = 0; i < 1_001; i++) await store.commit([put("b", `more ${i}`)], meta);
  await revisions.follow(1_002);
  expect(of("a", "b")).toEqual([undefined, 1_002]);
  expect(Math.max(...read)).toBe(50);
});

function of(...names: readonly string[]): (number | undefined)[] {
  return names.map((name) => revisions.of(keyOfName(name)));
}

function keyOfName(name: string): ObjectKey {
  return { kind: "ConfigMap", namespace: "default", name };
}

function put(name: string, value: string): Write & { type: "put" } {
  const { kind: _, ...metadata } = keyOfName(name);
  const parsed = parseObject({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { value } }, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  expect(keyOf(parsed.object)).toEqual(keyOfName(name));
  return { type: "put", object: parsed.object };
}
