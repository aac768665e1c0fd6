/**
 * Files that hold secrets, or that must be whole or absent after a crash: mode 0600 from the first byte, written beside
 * their place, synced, then moved over it.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsync,
  fsyncSync,
  linkSync,
  mkdirSync,
  open,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFile,
  writeFileSync,
} from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { WeftError } from "../../kernel/index.ts";

const fileMode = 0o600;
const directoryMode = 0o700;
const groupAndOthers = 0o077;

// What may wait for the disk. Closing does not, and a FileHandle would take a thread for it.
const openOnThread: (path: string, flags: string | number, mode: number) => Promise<number> = promisify(open);
const writeOnThread: (descriptor: number, data: string | Uint8Array) => Promise<void> = promisify(writeFile);
const fsyncOnThread: (descriptor: number) => Promise<void> = promisify(fsync);

/**
 * Throws `io` or `permission`; the file that was there before then is untouched. With "new" it throws `already_exists`
 * where there is one, however close another process's writing was.
 */
export function writePrivateFileSync(
  path: string,
  data: string | Uint8Array,
  mode: "replace" | "new" = "replace",
): void {
  const temporary = temporaryPath(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: directoryMode });
    const descriptor = openSync(temporary, "wx", fileMode);
    try {
      writeFileSync(descriptor, data);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (mode === "replace") renameSync(temporary, path);
    else {
      linkSync(temporary, path);
      rmSync(temporary);
    }
    syncDirectorySync(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw fileError("write", path, cause);
  }
}

/** The same without blocking the event loop, for what a data path's process writes. One writer at a time per path. */
export async function writePrivateFile(path: string, data: string | Uint8Array): Promise<void> {
  closeSync(await createPrivateFile(path, data, "wx"));
}

/** And the descriptor stays open, for the caller to close. `flags`: of a file that must not be there yet. */
export async function createPrivateFile(
  path: string,
  data: string | Uint8Array,
  flags: string | number,
): Promise<number> {
  const temporary = temporaryPath(path);
  let descriptor: number | undefined;
  try {
    descriptor = await createFile(temporary, flags);
    await writeOnThread(descriptor, data);
    await fsyncOnThread(descriptor);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return descriptor;
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    await rm(temporary, { force: true });
    throw fileError("write", path, cause);
  }
}

/** Its folder is there but for the first time. */
async function createFile(path: string, flags: string | number): Promise<number> {
  try {
    return await openOnThread(path, flags, fileMode);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    await mkdir(dirname(path), { recursive: true, mode: directoryMode });
    return await openOnThread(path, flags, fileMode);
  }
}

/** Undefined where there is none. A file that others may read is refused: its secret may be known already. */
export function readPrivateFileSync(path: string): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw fileError("read", path, cause);
  }
  try {
    if ((fstatSync(descriptor).mode & groupAndOthers) !== 0) {
      throw new WeftError("permission", `${path} can be read by others`, {
        hint: `if nobody else had access to it, chmod 600 ${path}; else remove it`,
      });
    }
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A rename survives a power cut only once its directory is on disk. */
async function syncDirectory(path: string): Promise<void> {
  const descriptor = openSync(path, "r");
  try {
    await fsyncOnThread(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncDirectorySync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function temporaryPath(path: string): string {
  return `${path}.${randomBytes(6).toString("hex")}.tmp`;
}

export function fileError(verb: string, path: string, cause: unknown): WeftError {
  const errno = errnoOf(cause);
  if (errno === "EEXIST") return new WeftError("already_exists", `${path} exists`, { cause });
  const code = errno === "EACCES" || errno === "EPERM" || errno === "EROFS" ? "permission" : "io";
  return new WeftError(code, `cannot ${verb} ${path}: ${errno}`, { cause });
}

function errnoOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : String(cause);
}
