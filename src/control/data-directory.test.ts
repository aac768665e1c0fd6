/** Who may read the directory's files, and that one control plane uses it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../kernel/index.ts";
import { openDataDirectory, writeFileAtomically } from "./data-directory.ts";

let path = "";
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "weft-data-")), "nested");
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const modeOf = (file: string): number => statSync(file).mode & 0o777;

test("makes a token that only its owner reads, and keeps it", () => {
  const first = openDataDirectory(path, silentLog);
  expect(modeOf(path)).toBe(0o700);
  expect(modeOf(first.tokenFile)).toBe(0o600);
  expect(readFileSync(first.tokenFile, "utf8")).toBe(`${first.token}\n`);
  expect(first.token.length).toBeGreaterThan(40);
  first.release();
  const second = openDataDirectory(path, silentLog);
  expect(second.token).toBe(first.token);
  second.release();
});

test("closes a token file that others can read, and says so", () => {
  openDataDirectory(path, silentLog).release();
  chmodSync(join(path, "token"), 0o644);
  const warnings: string[] = [];
  openDataDirectory(path, { ...silentLog, warn: (message) => void warnings.push(message) }).release();
  expect(modeOf(join(path, "token"))).toBe(0o600);
  expect(warnings).toHaveLength(1);
});

test("an empty token file is refused, not taken for a password", () => {
  openDataDirectory(path, silentLog).release();
  writeFileSync(join(path, "token"), "");
  expect(() => openDataDirectory(path, silentLog)).toThrow("holds no token");
});

test("two control planes do not share a directory", async () => {
  const first = openDataDirectory(path, silentLog);
  const module = new URL("./data-directory.ts", import.meta.url).pathname;
  const script = `
    import { openDataDirectory } from ${JSON.stringify(module)};
    try { openDataDirectory(${JSON.stringify(path)}, { warn() {} }); console.log("opened"); }
    catch (error) { console.log(error.message); }`;
  const attempt = async (): Promise<string> => {
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "ignore" });
    return (await new Response(child.stdout).text()).trim();
  };
  expect(await attempt()).toContain("another control plane");
  first.release();
  expect(await attempt()).toBe("opened");
});

test("a file in the way is an error, not a crash", () => {
  const file = join(tmpdir(), `weft-file-${process.pid}`);
  writeFileSync(file, "");
  expect(() => openDataDirectory(join(file, "data"), silentLog)).toThrow("cannot make the data directory");
  rmSync(file);
});

test("a file is replaced as a whole and leaves nothing beside it", () => {
  openDataDirectory(path, silentLog).release();
  const file = join(path, "root.pem");
  writeFileAtomically(file, "first", 0o644);
  writeFileAtomically(file, "second", 0o644);
  expect(readFileSync(file, "utf8")).toBe("second");
  expect(readdirSync(path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect(existsSync(file)).toBe(true);
});
