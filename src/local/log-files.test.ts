/** Log files of a mesh's processes: who may read them, what their last words are, how long they get. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { ftruncateSync, mkdtempSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../kernel/index.ts";
import { LogFiles } from "./log-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("are for their user alone and are appended to", () => {
  const first = new LogFiles(join(folder, "logs"), new VirtualClock());
  writeSync(first.descriptor("web"), "one\n");
  first.close();
  const second = new LogFiles(join(folder, "logs"), new VirtualClock());
  writeSync(second.descriptor("web"), "two\n");
  expect(readFileSync(second.pathOf("web"), "utf8")).toBe("one\ntwo\n");
  expect(statSync(second.pathOf("web")).mode & 0o777).toBe(0o600);
  expect(second.descriptor("web")).toBe(second.descriptor("web"));
  second.close();
});

test.each([
  ["nothing", "", undefined],
  ["blank lines at the end", "first\nlast words\n\n  \n", "last words"],
  ["a line that is not ended", "first\nlast wor", "last wor"],
  ["more than is looked at", `${"x".repeat(9_000)}\nlast words\n`, "last words"],
])("the last words of a log with %s", (_, text, expected) => {
  const logs = new LogFiles(folder, new VirtualClock());
  writeSync(logs.descriptor("web"), text);
  expect(logs.lastLine("web")).toBe(expected);
  logs.close();
});

test("a long one is cut, one older part is kept, and its process goes on at the start", () => {
  const clock = new VirtualClock();
  const logs = new LogFiles(folder, clock);
  const fd = logs.descriptor("web");
  // A file with a hole: as long as the bound, and a byte more makes it too long.
  ftruncateSync(fd, 32 * 1024 * 1024);
  clock.advance(10_000);
  expect(statSync(logs.pathOf("web")).size).toBe(32 * 1024 * 1024);
  writeSync(fd, "x");
  clock.advance(10_000);
  writeSync(fd, "new\n");
  expect(readFileSync(logs.pathOf("web"), "utf8")).toBe("new\n");
  expect(statSync(`${logs.pathOf("web")}.1`).size).toBe(32 * 1024 * 1024 + 1);
  logs.close();
  clock.advance(60_000);
});
