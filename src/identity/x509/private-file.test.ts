/** Files of secrets: mode, wholeness, refusals. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPrivateFileSync, writePrivateFile, writePrivateFileSync } from "./private-file.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-private-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const write = { sync: writePrivateFileSync, async: writePrivateFile };

test.each(["sync", "async"] as const)(
  "a written file (%s) is whole, private, and leaves nothing beside it",
  async (kind) => {
    const path = join(directory, "deep", "key.pem");
    await write[kind](path, "first");
    await write[kind](path, "second");
    expect(new TextDecoder().decode(readPrivateFileSync(path))).toBe("second");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "deep")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(directory, "deep"))).toEqual(["key.pem"]);
  },
);

test("a file that is not there reads as undefined", () => {
  expect(readPrivateFileSync(join(directory, "none"))).toBeUndefined();
});

test("a file that others may read is refused", () => {
  const path = join(directory, "key.pem");
  writePrivateFileSync(path, "x");
  chmodSync(path, 0o640);
  expect(() => readPrivateFileSync(path)).toThrow("can be read by others");
});

test("a new file never replaces one that is there", () => {
  const path = join(directory, "root.pem");
  writePrivateFileSync(path, "first", "new");
  expect(() => writePrivateFileSync(path, "second", "new")).toThrow("exists");
  expect(new TextDecoder().decode(readPrivateFileSync(path))).toBe("first");
  expect(readdirSync(directory)).toEqual(["root.pem"]);
});

test.each(["sync", "async"] as const)(
  "a failed write (%s) says which file and leaves nothing",
  async (kind) => {
    const path = join(directory, "taken");
    writePrivateFileSync(join(path, "inner"), "x");
    const attempt = async (): Promise<void> => write[kind](path, "data");
    await expect(attempt()).rejects.toThrow(`cannot write ${path}`);
    expect(readdirSync(directory)).toEqual(["taken"]);
  },
);
