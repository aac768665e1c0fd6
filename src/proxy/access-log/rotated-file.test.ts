/** A log that is moved away, deleted, or cannot be opened again. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../../kernel/index.ts";
import { RotatedFile } from "./rotated-file.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-rotated-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(file: RotatedFile, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write(new TextEncoder().encode(text), (error) => (error === null ? resolve() : reject(error)));
  });
}

test("what is written after the file was moved away goes into a new one of its name", async () => {
  const clock = new VirtualClock();
  const path = join(directory, "access.log");
  const file = new RotatedFile(path, clock);
  await write(file, "one\n");
  renameSync(path, `${path}.1`);
  await write(file, "two\n");
  clock.advance(1_000);
  await write(file, "three\n");
  file.close();
  // Within the second nobody looks.
  expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
  expect(readFileSync(path, "utf8")).toBe("three\n");
  // oxlint-disable-next-line no-bitwise
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a file that was truncated in its place goes on at its end", async () => {
  const clock = new VirtualClock();
  const path = join(directory, "access.log");
  const file = new RotatedFile(path, clock);
  await write(file, "one\n");
  await Bun.write(path, "");
  clock.advance(1_000);
  await write(file, "two\n");
  file.close();
  expect(readFileSync(path, "utf8")).toBe("two\n");
});

test("where the new one cannot be opened, the old one stays until it can", async () => {
  const clock = new VirtualClock();
  const path = join(directory, "logs", "access.log");
  await Bun.write(path, "");
  const file = new RotatedFile(path, clock);
  const moved = join(directory, "moved");
  renameSync(join(directory, "logs"), moved);
  clock.advance(1_000);
  await write(file, "one\n");
  expect(existsSync(path)).toBe(false);
  await Bun.write(join(directory, "logs", "other"), "");
  clock.advance(1_000);
  await write(file, "two\n");
  file.close();
  expect(readFileSync(join(moved, "access.log"), "utf8")).toBe("one\n");
  expect(readFileSync(path, "utf8")).toBe("two\n");
});

test("says what to look at where it cannot be opened at all", () => {
  const open = (): RotatedFile => new RotatedFile(join(directory, "none", "a.log"), new VirtualClock());
  expect(open).toThrow("cannot open the access log");
});
