/** One log file per process of the mesh, appended to by the process itself; long ones are cut, with one older part kept. */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import type { Clock, Timer } from "../kernel/index.ts";

/** With one older part a process takes at most twice this. */
const maxLogBytes = 32 * 1024 * 1024;
const checkEveryMs = 10_000;
/** Enough for the last line of anything that explains itself. */
const tailBytes = 4_096;

export class LogFiles {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #open = new Map<string, number>();
  #timer: Timer;

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#timer = clock.after(checkEveryMs, () => this.#check());
  }

  pathOf(name: string): string {
    return join(this.#directory, `${name}.log`);
  }

  /** A descriptor for a child's stdout and stderr; the same one for the same name. */
  descriptor(name: string): number {
    let fd = this.#open.get(name);
    if (fd === undefined) {
      // O_APPEND, so that a process goes on at the start after the file was cut.
      fd = openSync(this.pathOf(name), "a", 0o600);
      this.#open.set(name, fd);
    }
    return fd;
  }

  /** The last line that is not empty; undefined where there is none. */
  lastLine(name: string): string | undefined {
    const { size } = statSync(this.pathOf(name));
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    const fd = openSync(this.pathOf(name), "r");
    const length = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    closeSync(fd);
    const text = bytes.toString("utf8", 0, length);
    return text
      .split("\n")
      .map((line) => line.trim())
      .findLast((line) => line !== "");
  }

  close(): void {
    this.#timer.cancel();
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #check(): void {
    for (const [name, fd] of this.#open) {
      if (fstatSync(fd).size <= maxLogBytes) continue;
      copyFileSync(this.pathOf(name), `${this.pathOf(name)}.1`);
      ftruncateSync(fd, 0);
    }
    this.#timer = this.#clock.after(checkEveryMs, () => this.#check());
  }
}
