/** That a touched page of a file comes alone, where the kernel brings its neighbours otherwise. */
import { ptr } from "bun:ffi";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { mapPageByPage, type Mapping } from "./map-page-by-page.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-page-by-page-"));
const bytes = 1 << 20;
const middle = bytes / 2;
const [major = 0, minor = 0] = release().split(".").map(Number);
const isSupported = process.platform === "linux" && (major > 6 || (major === 6 && minor >= 7));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(!isSupported)("a page that is touched comes alone, and can be written (needs Linux 6.7)", () => {
  const alone = mapFile("alone");
  expect(mapPageByPage([alone])).toBe(true);
  expect(isRegistered(alone)).toBe(true);
  expect(alone.content[middle]).toBe(7);
  expect(residentKb(alone)).toBe(4);
  alone.content[middle] = 8;
  expect(readFileSync(join(folder, "alone"))[middle]).toBe(8);
});

test.skipIf(process.platform !== "linux")("is refused whole where one of the mappings is none", () => {
  const mapped = mapFile("mapped");
  expect(mapPageByPage([mapped, { address: 0, bytes: 4096 }])).toBe(false);
  expect(mapped.content[middle]).toBe(7);
  expect(isRegistered(mapped)).toBe(false);
});

interface MappedFile extends Mapping {
  readonly content: Uint8Array;
}

function mapFile(name: string): MappedFile {
  const file = join(folder, name);
  writeFileSync(file, new Uint8Array(bytes).fill(7));
  const content = Bun.mmap(file);
  return { content, address: Number(ptr(content)), bytes };
}

function residentKb(mapping: Mapping): number {
  return Number(/^Rss: +(\d+) kB$/m.exec(entryOf(mapping))?.[1]);
}

/** With userfaultfd: a flag of the mapping's says it. How many pages come to one that is not is the file system's affair. */
function isRegistered(mapping: Mapping): boolean {
  return /^VmFlags:.* u[imw]\b/m.test(entryOf(mapping));
}

function entryOf({ address }: Mapping): string {
  const [entry = ""] = readFileSync("/proc/self/smaps", "utf8")
    .split(/^(?=[\da-f]+-)/m)
    .filter((each) => each.startsWith(`${address.toString(16)}-`));
  return entry;
}
