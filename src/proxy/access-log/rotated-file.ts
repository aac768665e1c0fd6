/**
 * A file that others may move away: what is written after that goes into a new one of the same name, without a signal. Looked
 * at once a second at most, and only before something is written.
 *
 *   open -- moved or deleted --> a new file of the name is opened -- cannot --> the old one stays, tried again a second later
 */
import { close, constants, fstatSync, open, openSync, stat, write } from "node:fs";
import { type Clock, WeftError } from "../../kernel/index.ts";

/** Whoever rotates waits for the next line that long; a busy proxy makes one `stat` in a second. */
const checkIntervalUs = 1_000_000;
/** For the owner only: paths and identities of callers are nobody else's business. */
const mode = 0o600;
// oxlint-disable-next-line no-bitwise
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

export class RotatedFile {
  readonly #path: string;
  readonly #clock: Clock;
  #fd: number;
  /** Device and inode. */
  #identity: string;
  #checkedUs: number;

  /** Throws `io` where the file cannot be opened. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#fd = openForAppend(path);
    this.#identity = identityOf(fstatSync(this.#fd));
    this.#checkedUs = clock.monotonicUs();
  }

  /** One write at a time. */
  write(bytes: Uint8Array, done: (error: Error | null, written: number) => void): void {
    const nowUs = this.#clock.monotonicUs();
    if (nowUs - this.#checkedUs < checkIntervalUs) {
      write(this.#fd, bytes, 0, bytes.length, null, done);
      return;
    }
    this.#checkedUs = nowUs;
    this.#follow(() => write(this.#fd, bytes, 0, bytes.length, null, done));
  }

  /** After the last write has called back. */
  close(): void {
    close(this.#fd);
  }

  #follow(then: () => void): void {
    stat(this.#path, (error, found) => {
      if (error === null && identityOf(found) === this.#identity) return then();
      open(this.#path, flags, mode, (problem, fd) => {
        if (problem === null) this.#take(fd);
        then();
      });
    });
  }

  #take(fd: number): void {
    close(this.#fd);
    this.#fd = fd;
    this.#identity = identityOf(fstatSync(fd));
  }
}

function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

function openForAppend(file: string): number {
  try {
    return openSync(file, flags, mode);
  } catch (cause) {
    throw new WeftError("io", `cannot open the access log ${file}`, {
      cause,
      hint: "is its directory there and writable?",
    });
  }
}
