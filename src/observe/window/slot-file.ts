/**
 * Closed slots on disk, in one SQLite file for all windows. It holds nothing that cannot be counted anew: what is corrupt is
 * set aside and a new file begun, and where the disk takes nothing the owner goes on in memory. Bounded by `maxBytes`.
 */
import { Database } from "bun:sqlite";
import { closeSync, openSync, renameSync, rmSync } from "node:fs";
import { errorLine, type Log, WeftError } from "../../kernel/index.ts";

interface StoredSeries {
  readonly id: number;
  /** JSON. */
  readonly labels: string;
}

interface SlotWrite {
  readonly slots: readonly { readonly startMs: number; readonly content: Uint8Array }[];
  /** That the file does not have yet. */
  readonly series: readonly StoredSeries[];
  readonly forgottenSeries: readonly number[];
  /** Slots before this are let go. */
  readonly oldestMs: number;
}

/** What one window keeps between two runs of the control plane. Every method throws where the file cannot be used. */
export interface SlotStore {
  /** Start times, oldest first. */
  slots(): number[];
  series(): StoredSeries[];
  read(startMs: number): Uint8Array | undefined;
  /** All or nothing. */
  write(write: SlotWrite): void;
  /** Of a time that has not come yet: the clock was set back. */
  forgetAfter(startMs: number): void;
}

export interface SlotFileOptions {
  readonly path: string;
  readonly log: Log;
  /** Default 32 MB: what the windows take at most, and room for what SQLite keeps free. */
  readonly maxBytes?: number;
}

const defaultMaxBytes = 32 * 1_048_576;
const pageBytes = 4_096;
/** Another number is another layout: the file is set aside. */
const fileVersion = 1;

export class SlotFile {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined where there is no way to have a file here: the log says why. */
  static open(options: SlotFileOptions): SlotFile | undefined {
    const { path, log } = options;
    try {
      return new SlotFile(openDatabase(options));
    } catch (error) {
      log.warn("the file of golden signals cannot be read; it is set aside and a new one begun", {
        file: path,
        error: errorLine(error),
      });
    }
    try {
      // One of them at most is kept, for whoever wants to know what became of it.
      renameSync(path, `${path}.broken`);
      for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
      return new SlotFile(openDatabase(options));
    } catch (error) {
      log.error("golden signals are kept in memory only: a restart forgets them", {
        file: path,
        error: errorLine(error),
      });
      return undefined;
    }
  }

  window(name: string): SlotStore {
    return new WindowRows(this.#database, name);
  }

  close(): void {
    this.#database.close();
  }
}

class WindowRows implements SlotStore {
  readonly #database: Database;
  readonly #name: string;

  constructor(database: Database, name: string) {
    this.#database = database;
    this.#name = name;
  }

  slots(): number[] {
    return this.#database
      .query<{ start_ms: number }, [string]>("SELECT start_ms FROM slots WHERE window = ? ORDER BY start_ms")
      .all(this.#name)
      .map((row) => row.start_ms);
  }

  series(): StoredSeries[] {
    return this.#database
      .query<StoredSeries, [string]>("SELECT id, labels FROM series WHERE window = ?")
      .all(this.#name);
  }

  read(startMs: number): Uint8Array | undefined {
    const query = this.#database.query<{ content: Uint8Array }, [string, number]>(
      "SELECT content FROM slots WHERE window = ? AND start_ms = ?",
    );
    return query.get(this.#name, startMs)?.content;
  }

  write({ slots, series, forgottenSeries, oldestMs }: SlotWrite): void {
    const putSlot = this.#database.query("INSERT OR REPLACE INTO slots VALUES (?, ?, ?)");
    const putSeries = this.#database.query("INSERT OR REPLACE INTO series VALUES (?, ?, ?)");
    const dropSeries = this.#database.query("DELETE FROM series WHERE window = ? AND id = ?");
    this.#database.transaction(() => {
      // First, so that what comes has room.
      this.#database
        .query("DELETE FROM slots WHERE window = ? AND start_ms < ?")
        .run(this.#name, Math.floor(oldestMs));
      for (const id of forgottenSeries) dropSeries.run(this.#name, id);
      for (const { id, labels } of series) putSeries.run(this.#name, id, labels);
      for (const { startMs, content } of slots) putSlot.run(this.#name, startMs, content);
    })();
  }

  forgetAfter(startMs: number): void {
    this.#database.query("DELETE FROM slots WHERE window = ? AND start_ms > ?").run(this.#name, startMs);
  }
}

function openDatabase({ path, maxBytes = defaultMaxBytes }: SlotFileOptions): Database {
  // Who called whom is nobody else's business. SQLite gives its log the mode of the database.
  closeSync(openSync(path, "a", 0o600));
  const database = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("PRAGMA journal_mode = WAL");
    // A crash of the machine may take the newest slots, never the file.
    database.run("PRAGMA synchronous = NORMAL");
    database.run("PRAGMA journal_size_limit = 1048576");
    database.run(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`);
    const verdict = database.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
    if (verdict !== "ok") throw new WeftError("io", `the database is corrupt: ${verdict}`);
    const version =
      database.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
    if (version > fileVersion) throw new WeftError("io", `it has format ${version}, known is ${fileVersion}`);
    if (version === 0) createTables(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function createTables(database: Database): void {
  database.transaction(() => {
    database.run(
      `CREATE TABLE slots (
         window TEXT NOT NULL, start_ms INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (window, start_ms)
       ) WITHOUT ROWID, STRICT`,
    );
    database.run(
      `CREATE TABLE series (
         window TEXT NOT NULL, id INTEGER NOT NULL, labels TEXT NOT NULL, PRIMARY KEY (window, id)
       ) WITHOUT ROWID, STRICT`,
    );
    database.run(`PRAGMA user_version = ${fileVersion}`);
  })();
}
