/**
 * The file of SQLite's write-ahead log, brought to the disk away from the event loop. SQLite's own recovery takes from the log
 * whatever is whole, so a commit in it survives as soon as the file's bytes are there.
 */
import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

const flushOnThread: (fd: number) => Promise<void> = promisify(fdatasync);

export class SqliteLog {
  readonly #fd: number;
  readonly #flush: (fd: number) => Promise<void>;
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  /** The database is open. Another descriptor of the log's file takes none of SQLite's locks away: they are on the database. */
  constructor(path: string, flush: (fd: number) => Promise<void> = flushOnThread) {
    this.#flush = flush;
    this.#fd = openSync(`${path}-wal`, "r+");
    // SQLite would do it with its first flush, which is never made.
    const directory = openSync(dirname(path), "r");
    fsyncSync(directory);
    closeSync(directory);
  }

  /** Resolves when all that is in the log now is on the disk. One at a time. */
  async flush(): Promise<void> {
    this.#flushing = this.#flush(this.#fd);
    try {
      await this.#flushing;
    } finally {
      this.#flushing = undefined;
      if (this.#isClosed) closeSync(this.#fd);
    }
  }

  /** Brings the rest to the disk, and waits for it. Throws where that fails. */
  close(): void {
    this.#isClosed = true;
    try {
      fdatasyncSync(this.#fd);
    } finally {
      if (this.#flushing === undefined) closeSync(this.#fd);
    }
  }
}
