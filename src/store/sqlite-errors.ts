/** SQLite's result codes as errors of weft: what went wrong with the file, and what to do. By code, never by text. */
import { SQLiteError } from "bun:sqlite";
import { WeftError } from "../kernel/index.ts";

export type SqliteFailure = "full" | "corrupt" | "busy" | "permission" | "io" | "bug";

export function sqliteFailure(error: unknown): SqliteFailure | undefined {
  if (!(error instanceof SQLiteError)) return undefined;
  // The low byte is the primary code, the rest says more about where it happened (sqlite.org/rescode.html).
  return failures[error.errno & 0xff] ?? "bug";
}

const failures: Readonly<Record<number, SqliteFailure>> = {
  3: "permission", // SQLITE_PERM
  5: "busy", // SQLITE_BUSY
  6: "busy", // SQLITE_LOCKED
  8: "permission", // SQLITE_READONLY
  10: "io", // SQLITE_IOERR
  11: "corrupt", // SQLITE_CORRUPT
  13: "full", // SQLITE_FULL
  14: "permission", // SQLITE_CANTOPEN
  23: "permission", // SQLITE_AUTH
  26: "corrupt", // SQLITE_NOTADB
};

const hints: Record<SqliteFailure, string> = {
  full: "nothing was written; free space on the disk and try again",
  corrupt:
    "restore the file from a backup, or move it away to start empty; proxies go on with their last good configuration",
  busy: "is another control plane running on this data directory?",
  permission: "check that the directory exists and that this user may write to it",
  io: "check the disk, then restart the control plane",
  bug: "please report it with this line",
};

const whats: Record<SqliteFailure, string> = {
  full: "the disk is full",
  corrupt: "the database is corrupt",
  busy: "the database is in use",
  permission: "the database cannot be opened or written",
  io: "the disk failed",
  bug: "the database refused",
};

export function storeError(failure: SqliteFailure, path: string, cause?: unknown): WeftError {
  const code = failure === "permission" ? "permission" : failure === "bug" ? "internal" : "io";
  const detail = failure === "bug" && cause instanceof Error ? `: ${cause.message}` : "";
  return new WeftError(code, `${whats[failure]}: ${path}${detail}`, {
    hint: hints[failure],
    cause,
    fields: { failure },
  });
}
