/**
 * The runtime's machine code stays mapped once it has run: parser, compilers and start-up touch 40 MB of it, of which serving
 * needs less than half. So does a built program's own text and bytecode, which is in the same file. Where more of it has come than is in use
 * all of it is let go; what is still in use is mapped again from the page cache, page by page where the kernel can (map-page-by-page.ts).
 */
import { readFileSync } from "node:fs";
import type { Clock, Timer } from "../kernel/index.ts";
import { embeddedProgram, type FileRange } from "./embedded-program.ts";
import { libc } from "./libc.ts";
import { mapPageByPage, type Mapping } from "./map-page-by-page.ts";
import { ShedChoice } from "./shed-choice.ts";

/** Start-up is over by then. */
const firstMs = 2_000;
const everyMs = 3_000;
/** MADV_DONTNEED. */
const dontNeed = 4;
/** The largest of the machines that Bun is built for: an address that it divides is a page's everywhere. */
const pageBytes = 65_536;

/** From now on until it is cancelled. Linux only: elsewhere it does nothing. */
export function shedCodePages(clock: Clock): Timer {
  const choice = new ShedChoice();
  let mappings: readonly Mapping[] | undefined;
  const shed = (): void => {
    if (mappings === undefined) {
      mappings = ownMappings();
      mapPageByPage(mappings);
    }
    if (choice.isDue(residentFileBytes())) letGo(mappings);
    timer = clock.after(everyMs, shed);
  };
  let timer = clock.after(firstMs, libc === undefined ? () => {} : shed);
  return { cancel: () => timer.cancel() };
}

function ownMappings(): readonly Mapping[] {
  const smaps = readFileSync("/proc/self/smaps", "utf8");
  const program = embeddedProgram("/proc/self/exe");
  const code = codeMappings(smaps, process.execPath);
  return program === undefined ? code : [...code, ...mappingsOf(smaps, process.execPath, program)];
}

/** What of files is mapped and in memory (proc_pid_status(5)). Zero where the system does not tell. */
function residentFileBytes(): number {
  const [, kilobytes = 0] = /^RssFile:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}

function letGo(mappings: readonly Mapping[]): void {
  for (const { address, bytes } of mappings) libc?.madvise(address, bytes, dontNeed);
}

/**
 * What of `file` is mapped without being writable. A mapping with pages of its own (a debugger's breakpoints, relocations) is
 * left alone: those would be lost.
 */
export function codeMappings(smaps: string, file: string): Mapping[] {
  const found: Mapping[] = [];
  let candidate: Mapping | undefined;
  for (const line of smaps.split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p [0-9a-f]+ \S+ \d+ +(.*)$/.exec(line);
    if (head?.[3] === file) {
      const address = Number.parseInt(head[1] ?? "", 16);
      candidate = { address, bytes: Number.parseInt(head[2] ?? "", 16) - address };
    } else if (/^[0-9a-f]+-/.test(line)) {
      candidate = undefined;
    } else if (candidate !== undefined && /^Anonymous: +0 kB$/.test(line)) {
      found.push(candidate);
    }
  }
  return found;
}

/** The whole pages of a range of `file` that is never written, wherever it is mapped. */
export function mappingsOf(smaps: string, file: string, { offset, bytes }: FileRange): Mapping[] {
  const found: Mapping[] = [];
  for (const [, start = "", end = "", fileOffset = "", path] of smaps.matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) r\S+ ([0-9a-f]+) \S+ \d+ +(.*)$/gm,
  )) {
    if (path !== file) continue;
    const address = Number.parseInt(start, 16);
    const shift = address - Number.parseInt(fileOffset, 16);
    const first = Math.max(address, Math.ceil((offset + shift) / pageBytes) * pageBytes);
    const last = Math.min(
      Number.parseInt(end, 16),
      Math.floor((offset + bytes + shift) / pageBytes) * pageBytes,
    );
    if (first < last) found.push({ address: first, bytes: last - first });
  }
  return found;
}
