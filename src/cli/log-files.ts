/** The log files of a local mesh's proxies, as they grow: each reading takes what was added since the one before. */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { type AccessLine, parseAccessLine } from "./access-lines.ts";

/** Of a file that is read for the first time, the end: some ten thousand lines. */
const maxFirstBytes = 4_194_304;
/** Of one reading; the rest comes with the next. */
const maxReadBytes = 1_048_576;

interface Place {
  offset: number;
  /** The beginning of a line whose end has not come. */
  rest: Buffer;
}

export class ProxyLogs {
  readonly #directory: string;
  readonly #places = new Map<string, Place>();

  /** Of `weft up`'s data directory, where logs are. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** In the order of their times. */
  read(): AccessLine[] {
    const lines = this.#files().flatMap((file) => this.#readFile(file));
    return lines.toSorted((a, b) => a.timeMs - b.timeMs);
  }

  #files(): string[] {
    return readdirSync(this.#directory)
      .filter((name) => name.endsWith(".proxy.log"))
      .toSorted();
  }

  #readFile(name: string): AccessLine[] {
    const path = join(this.#directory, name);
    const { size } = statSync(path);
    const known = this.#places.get(name);
    const place = known ?? { offset: Math.max(0, size - maxFirstBytes), rest: Buffer.alloc(0) };
    this.#places.set(name, place);
    // It was cut because it had become long, and begins anew.
    if (size < place.offset) {
      place.offset = 0;
      place.rest = Buffer.alloc(0);
    }
    const wanted = Math.min(size - place.offset, known === undefined ? maxFirstBytes : maxReadBytes);
    if (wanted === 0) return [];
    const bytes = Buffer.alloc(wanted);
    const fd = openSync(path, "r");
    try {
      const length = readSync(fd, bytes, 0, wanted, place.offset);
      place.offset += length;
      const text = Buffer.concat([place.rest, bytes.subarray(0, length)]);
      const end = text.lastIndexOf(0x0a) + 1;
      place.rest = text.length - end > maxReadBytes ? Buffer.alloc(0) : Buffer.from(text.subarray(end));
      return text
        .toString("utf8", 0, end)
        .split("\n")
        .flatMap((line) => parseAccessLine(line) ?? []);
    } finally {
      closeSync(fd);
    }
  }
}
