/** Stores that earlier versions wrote open, with all that was in them, and take the next write. */
import { afterAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock } from "../../src/kernel/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-older-data-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  { version: 1, anchor: undefined, source: "" },
  { version: 2, anchor: "kept", source: "" },
  { version: 3, anchor: "kept", source: "abc123" },
])("format $version", async ({ version, anchor, source }) => {
  const path = join(folder, `store-${version}.sqlite`);
  copyFileSync(join(import.meta.dir, `data/store-${version}.sqlite`), path);
  const store = openSqliteStore({ path, clock: systemClock, log: silentLog });
  try {
    expect(store.revision).toBe(3);
    expect(store.anchor).toBe(anchor);
    const { items } = store.list({ kind: "ConfigMap" });
    expect(items.map(({ metadata, data }) => [metadata.name, data])).toEqual([["a", { v: "2" }]]);
    const history = await store.history(10);
    expect(history.map(({ author, message, changes }) => [author, message, changes.length])).toEqual([
      ["ann", "third", 1],
      ["bob", "second", 1],
      ["ann", "first", 2],
    ]);
    expect(history[1]?.source ?? "").toBe(source);
    const [item] = items;
    if (item === undefined) throw new Error("there is no object");
    const { revision } = await store.commit([{ type: "put", object: { ...item, data: { v: "3" } } }], {
      author: "new",
      message: "fourth",
    });
    expect(revision).toBe(4);
  } finally {
    store.close();
  }
});
