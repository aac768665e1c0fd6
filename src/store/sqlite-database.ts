/** Opens the store's file: permissions, pragmas, integrity check, migrations. Knows nothing of objects. */
import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { WeftError } from "../kernel/index.ts";
import { sqliteFailure, storeError } from "./sqlite-errors.ts";

/** One entry for each version; an entry is never changed once released. */
const migrations: readonly string[] = [
  `CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
   INSERT INTO counters VALUES ('sequence', 0), ('revision', 0);
   CREATE TABLE objects (
     kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (kind, namespace, name)
   ) WITHOUT ROWID, STRICT;
   CREATE TABLE revisions (
     revision INTEGER PRIMARY KEY, author TEXT NOT NULL, message TEXT NOT NULL, time_ms INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE changes (
     revision INTEGER NOT NULL, position INTEGER NOT NULL,
     kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, before TEXT, after TEXT,
     PRIMARY KEY (revision, position)
   ) WITHOUT ROWID, STRICT;
   CREATE INDEX changes_by_object ON changes (kind, namespace, name, revision);
   CREATE TABLE events (
     sequence INTEGER PRIMARY KEY, revision INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE anchors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;`,
  `ALTER TABLE revisions ADD COLUMN source TEXT NOT NULL DEFAULT '';`,
];

export interface DatabaseOptions {
  readonly path: string;
  readonly nowMs: number;
  /** Bounds the file, for disks that are shared; SQLite's own bound where absent. */
  readonly maxPages?: number | undefined;
}

export function openDatabase({ path, nowMs, maxPages }: DatabaseOptions): Database {
  createPrivately(path);
  let database: Database | undefined;
  try {
    database = new Database(path, { create: true, readwrite: true, strict: true });
    // One process owns the file: all reads are served from its memory. The lock goes with the process, however it ends.
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("PRAGMA journal_mode = WAL");
    // NORMAL: a commit does not wait for the disk. Whoever acknowledges it brings the log there before (`SqliteLog`).
    database.run("PRAGMA synchronous = NORMAL");
    // The log's way into the file does wait for the disk, on the event loop, some 50 ms: it is taken every 64 MiB.
    database.run("PRAGMA wal_autocheckpoint = 16384");
    database.run("PRAGMA foreign_keys = ON");
    if (maxPages !== undefined) database.run(`PRAGMA max_page_count = ${Math.trunc(maxPages)}`);
    checkIntegrity(database, path);
    migrate(database, path, nowMs);
    return database;
  } catch (error) {
    database?.close();
    const failure = sqliteFailure(error);
    throw failure === undefined ? error : storeError(failure, path, error);
  }
}

/** The file holds Secrets. SQLite gives its log the mode of the database. */
function createPrivately(path: string): void {
  if (path === ":memory:") return;
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch (cause) {
    throw storeError("permission", path, cause);
  }
}

function checkIntegrity(database: Database, path: string): void {
  const row: unknown = database.query("PRAGMA integrity_check(1)").get();
  const verdict = typeof row === "object" && row !== null ? Object.values(row)[0] : undefined;
  if (verdict !== "ok") throw storeError("corrupt", path, verdict);
}

function migrate(database: Database, path: string, nowMs: number): void {
  database.run(
    "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL) STRICT",
  );
  const found = database
    .query<{ version: number | null }, []>("SELECT max(version) AS version FROM migrations")
    .get();
  const version = found?.version ?? 0;
  if (version > migrations.length) {
    throw new WeftError("io", `the database was written by a newer weft: ${path}`, {
      hint: `it has format ${version}, this version knows ${migrations.length}; start the newer weft`,
    });
  }
  for (const [index, statements] of migrations.entries()) {
    if (index < version) continue;
    database.transaction(() => {
      database.run(statements);
      database.query("INSERT INTO migrations VALUES (?, ?)").run(index + 1, nowMs);
    })();
  }
}
