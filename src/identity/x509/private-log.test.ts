/** A private file that grows: whole at its end after each write, and told apart from another in its place. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrivateLog } from "./private-log.ts";

let directory = "";
let path = "";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-private-log-"));
  path = join(directory, "deep", "log.bin");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("replaces what was there, is private, and grows by what is added", async () => {
  (await PrivateLog.create(path, bytes("before"))).close();
  const log = await PrivateLog.create(path, bytes("first"));
  await log.append(bytes(" second"));
  await log.append(bytes(" third"));
  log.close();
  expect(readFileSync(path, "utf8")).toBe("first second third");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(directory, "deep"))).toEqual(["log.bin"]);
});

test("knows when another file is in its place, or none, or somebody else has written to it", async () => {
  const log = await PrivateLog.create(path, bytes("own"));
  await log.append(bytes(" and more"));
  expect(log.isInPlace).toBe(true);
  truncateSync(path, 5);
  expect(log.isInPlace).toBe(false);
  rmSync(path);
  expect(log.isInPlace).toBe(false);
  writeFileSync(path, "another's");
  expect(log.isInPlace).toBe(false);
  log.close();
});

test("what finds no room is not there in part, and what was there before is", () => {
  // A file of at most one block, so that the second write is cut off in its middle.
  const limited = 'ulimit -f 1; trap "" XFSZ; exec "$0" -e "$1" "$2"';
  const program = `
    import { PrivateLog } from ${JSON.stringify(join(import.meta.dir, "private-log.ts"))};
    const log = await PrivateLog.create(process.argv.at(-1), Buffer.alloc(300, "a"));
    const error = await log.append(Buffer.alloc(4_000, "b")).catch((reason) => reason);
    await log.append(Buffer.from("c"));
    console.log(error.code);`;
  const child = Bun.spawnSync(["sh", "-c", limited, process.execPath, program, path]);
  expect([child.stdout.toString(), child.stderr.toString()]).toEqual(["io\n", ""]);
  expect(readFileSync(path, "utf8")).toBe(`${"a".repeat(300)}c`);
});
