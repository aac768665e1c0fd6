/**
 * The control plane's directory: what lies where in it, who may read it, and that only one control plane uses it.
 *
 *   token (0600)   store.sqlite   signals.sqlite   join-tokens   ca/ (0700)   certificates.sqlite   audit/ (0700)   jwks/
 *   root.pem (for everybody)   lock
 */
import { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type Log, WeftError } from "../kernel/index.ts";

const tokenBytes = 32;
const minTokenLength = 32;

export interface DataDirectory {
  readonly path: string;
  readonly tokenFile: string;
  readonly rootFile: string;
  readonly authorityDirectory: string;
  readonly joinTokensFile: string;
  readonly certificatesFile: string;
  readonly storeFile: string;
  /** Golden signals of the last hour. */
  readonly signalsFile: string;
  /** What issuers of tokens published. */
  readonly keySetDirectory: string;
  readonly auditDirectory: string;
  /** The API's bearer token. */
  readonly token: string;
  /** Gives the directory free for another control plane. */
  release(): void;
}

/** Makes what is missing. Throws `conflict` where another control plane runs on it, `io` where it cannot be used. */
export function openDataDirectory(path: string, log: Log): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new WeftError("io", `cannot make the data directory ${path}`, { cause });
  }
  const release = lock(path);
  try {
    const tokenFile = join(path, "token");
    return {
      path,
      tokenFile,
      rootFile: join(path, "root.pem"),
      authorityDirectory: join(path, "ca"),
      joinTokensFile: join(path, "join-tokens"),
      certificatesFile: join(path, "certificates.sqlite"),
      storeFile: join(path, "store.sqlite"),
      signalsFile: join(path, "signals.sqlite"),
      keySetDirectory: join(path, "jwks"),
      auditDirectory: join(path, "audit"),
      token: readToken(tokenFile, log) ?? createToken(tokenFile),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Replaces the file in one step: whoever reads it sees the old content or the new, never a part. */
export function writeFileAtomically(file: string, content: string, mode: number): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(temporary, "w", mode);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (cause) {
    throw new WeftError("io", `cannot write ${file}`, { cause });
  }
}

/** SQLite's own file lock: the system drops it with the process, however that ends. */
function lock(path: string): () => void {
  const file = join(path, "lock");
  let database: Database;
  try {
    database = new Database(file);
  } catch (cause) {
    throw new WeftError("io", `cannot use the data directory ${path}`, { cause });
  }
  try {
    database.run("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new WeftError("conflict", `another control plane uses the data directory ${path}`, {
      cause,
      hint: "stop it, or give another --data-dir",
    });
  }
  return () => database.close();
}

function readToken(file: string, log: Log): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new WeftError("io", `cannot read ${file}`, { cause: error });
  }
  if (text.length < minTokenLength) {
    throw new WeftError("bad_input", `${file} holds no token`, {
      hint: "remove it, and a new one is made at start",
    });
  }
  if ((statSync(file).mode & 0o077) !== 0) {
    log.warn("the API token could be read by others; it is closed now, make a new one if that matters", {
      file,
    });
    chmodSync(file, 0o600);
  }
  return text;
}

function createToken(file: string): string {
  const token = randomBytes(tokenBytes).toString("base64url");
  writeFileAtomically(file, `${token}\n`, 0o600);
  return token;
}
