/** Which mappings are let go, and that a process goes on without the pages it had. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { VirtualClock } from "../kernel/index.ts";
import { codeMappings, mappingsOf, shedCodePages } from "./code-pages.ts";

const entry = (head: string, anonymousKb: number): string =>
  `${head}\nSize: 4 kB\nRss: 4 kB\nAnonymous:             ${anonymousKb} kB\nVmFlags: rd ex mr mw me`;

test("takes what is mapped of the file and not writable, and nothing that has pages of its own", () => {
  const smaps = [
    entry("00200000-01a39000 r--p 00000000 fe:00 5309516                    /opt/bun", 0),
    entry("01a40000-0684a000 r-xp 01838000 fe:00 5309516                    /opt/bun", 0),
    entry("0684a000-06868000 rw-p 06641000 fe:00 5309516                    /opt/bun", 0),
    entry("06868000-06869000 r--p 06641000 fe:00 5309516                    /opt/bun", 4),
    entry("7f0000000000-7f0000001000 r-xp 00000000 fe:00 77                 /lib/libc.so.6", 0),
    entry("7f0000002000-7f0000003000 r-xp 00000000 00:00 0 ", 0),
  ].join("\n");
  expect(codeMappings(smaps, "/opt/bun")).toEqual([
    { address: 0x200000, bytes: 0x1839000 },
    { address: 0x1a40000, bytes: 0x4e0a000 },
  ]);
});

test("takes of a range of the file the whole pages, in the mapping that it is in", () => {
  const smaps = [
    entry("00200000-01a39000 r--p 00000000 fe:00 5309516                    /opt/weft", 0),
    entry("0684a000-07140000 rw-p 06641000 fe:00 5309516                    /opt/weft", 116),
    entry("7f0000000000-7f0000900000 rw-p 06641000 fe:00 77                 /opt/other", 0),
  ].join("\n");
  expect(mappingsOf(smaps, "/opt/weft", { offset: 0x6819000, bytes: 0x7194b6 })).toEqual([
    { address: 0x6a30000, bytes: 0x700000 },
  ]);
  expect(mappingsOf(smaps, "/opt/weft", { offset: 0x6819000, bytes: 0x8000 })).toEqual([]);
});

test.skipIf(process.platform !== "linux")("a process without its pages goes on, with fewer of them", () => {
  const clock = new VirtualClock();
  const shedding = shedCodePages(clock);
  const before = residentFileKb();
  clock.advance(2_000);
  expect(residentFileKb()).toBeLessThan(before / 2);
  expect(JSON.parse(JSON.stringify({ still: ["here"] }))).toEqual({ still: ["here"] });
  shedding.cancel();
});

function residentFileKb(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}
