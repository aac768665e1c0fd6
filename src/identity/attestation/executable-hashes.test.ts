/** Hashes of files: right, remembered, and again for each change. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExecutableHashes } from "./executable-hashes.ts";

let directory = "";
let path = "";
const handles: FileHandle[] = [];
const content = Buffer.alloc(600_000, "weft");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-hash-"));
  path = join(directory, "program");
  writeFileSync(path, content);
});
afterEach(async () => {
  for (const handle of handles.splice(0)) await handle.close();
  rmSync(directory, { recursive: true, force: true });
});

async function opened(): Promise<FileHandle> {
  const handle = await open(path, "r");
  handles.push(handle);
  return handle;
}
const never = new AbortController().signal;

test("a file is read once, however many ask, until it changes", async () => {
  const hashes = new ExecutableHashes();
  const asked = await Promise.all(Array.from({ length: 5 }, async () => hashes.of(await opened(), never)));
  expect(asked).toEqual(Array.from({ length: 5 }, () => ({ sha256: sha256(content) })));
  expect(hashes.reads).toBe(1);
  const changed = Buffer.from(content);
  changed[300_000] = 0;
  writeFileSync(path, changed);
  // The size is the same, and whoever owns a file may set its time of modification.
  utimesSync(path, 1, 1);
  expect(await hashes.of(await opened(), never)).toEqual({ sha256: sha256(changed) });
  writeFileSync(path, content);
  utimesSync(path, 1, 1);
  expect(await hashes.of(await opened(), never)).toEqual({ sha256: sha256(content) });
  expect(hashes.reads).toBe(3);
});

test("a file beyond the bound is not read", async () => {
  const hashes = new ExecutableHashes({ maxExecutableBytes: content.length - 1 });
  expect(await hashes.of(await opened(), never)).toBe("too_large");
  const justEnough = new ExecutableHashes({ maxExecutableBytes: content.length });
  expect(await justEnough.of(await opened(), never)).toHaveProperty("sha256");
});

test("who gives up holds nobody up", async () => {
  const hashes = new ExecutableHashes();
  const stop = new AbortController();
  // Both are open before the reading begins: it may end while the second is opened.
  const files = [await opened(), await opened()] as const;
  const first = hashes.of(files[0], stop.signal);
  const second = hashes.of(files[1], never);
  stop.abort();
  expect(await first).toBe("aborted");
  expect(await second).toEqual({ sha256: sha256(content) });
});
