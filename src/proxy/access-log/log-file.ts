/**
 * Gathers access-log lines and hands them to a file descriptor in large writes, one at a time. A slow disk or reader
 * never holds up a request: beyond the bound lines are dropped and counted.
 */
import { write } from "node:fs";
import type { Clock, Timer } from "../../kernel/index.ts";
import type { Counter } from "../telemetry/index.ts";
import { LineBuffer } from "./line-buffer.ts";
import { RotatedFile } from "./rotated-file.ts";

/** Writes bytes and calls back with how many were taken, or an error. The shape of `fs.write`. */
type LogWriter = (bytes: Uint8Array, done: (error: Error | null, written: number) => void) => void;

/** About 2,500 lines. Enough for a stall of a second at high load, little enough to lose with the process. */
const maxBufferedBytes = 1_048_576;
/** A reader of the file sees a line at most this late; a busy proxy makes one write of many lines. */
const flushDelayMs = 100;
const flushBytes = 65_536;

const standardOutput = 1;

export interface AccessLogOptions {
  readonly write: LogWriter;
  readonly clock: Clock;
  readonly dropped: Counter;
  /** Called once, when the last byte is out. */
  readonly onClosed?: () => void;
}

export class AccessLog {
  readonly #options: AccessLogOptions;
  #gathered = new LineBuffer();
  /** What is written, and in between empty: the two take turns. */
  #underWay = new LineBuffer();
  #isWriting = false;
  #isClosed = false;
  #timer: Timer | undefined;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** Without a file, lines go to standard output. Throws `io` where the file cannot be opened. */
  static open(file: string | undefined, clock: Clock, dropped: Counter): AccessLog {
    if (file === undefined) return new AccessLog({ clock, dropped, write: writeToStandardOutput });
    const target = new RotatedFile(file, clock);
    return new AccessLog({
      clock,
      dropped,
      write: (bytes, done) => target.write(bytes, done),
      onClosed: () => target.close(),
    });
  }

  /** Where the next line is written to; it is one when it was committed. */
  begin(): LineBuffer {
    return this.#gathered.begin();
  }

  /** Of the line that was begun. */
  commit(): void {
    const gathered = this.#gathered;
    if (this.#isClosed || gathered.lengthWithLine > maxBufferedBytes) {
      this.#options.dropped.value++;
      return;
    }
    gathered.commit();
    if (gathered.length >= flushBytes) this.flush();
    else this.#timer ??= this.#options.clock.after(flushDelayMs, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const full = this.#gathered;
    if (this.#isWriting || full.lines === 0) return;
    this.#gathered = this.#underWay;
    this.#underWay = full;
    this.#isWriting = true;
    this.#write(full.view());
  }

  /** Writes what is left; later lines are dropped. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.flush();
    if (!this.#isWriting) this.#options.onClosed?.();
  }

  #write(bytes: Uint8Array): void {
    this.#options.write(bytes, (error, written) => {
      if (error === null && written < bytes.length) {
        this.#write(bytes.subarray(written));
        return;
      }
      this.#isWriting = false;
      if (error !== null) this.#options.dropped.value += this.#underWay.lines;
      this.#underWay.clear();
      const { lines, length } = this.#gathered;
      if (lines > 0 && (this.#isClosed || length >= flushBytes)) this.flush();
      else if (this.#isClosed) this.#options.onClosed?.();
      else if (lines > 0) this.#timer ??= this.#options.clock.after(flushDelayMs, () => this.flush());
    });
  }
}

function writeToStandardOutput(
  bytes: Uint8Array,
  done: (error: Error | null, written: number) => void,
): void {
  write(standardOutput, bytes, 0, bytes.length, null, done);
}
