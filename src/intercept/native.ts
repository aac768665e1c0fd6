/** The system calls of this room, typed. Compiles `native.c` the first time that one is used. */
import { cc } from "bun:ffi";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WeftError } from "../kernel/index.ts";
import { EAGAIN, errnoError } from "./errno.ts";
import sourcePath from "./native.c" with { type: "file" };

const symbols = {
  weft_unshare: { args: ["i32"], returns: "i32" },
  weft_setns: { args: ["i32", "i32"], returns: "i32" },
  weft_open: { args: ["ptr", "i32"], returns: "i32" },
  weft_close: { args: ["i32"], returns: "i32" },
  weft_pipe: { args: ["ptr"], returns: "i32" },
  weft_kill: { args: ["i32", "i32"], returns: "i32" },
  weft_flock: { args: ["i32", "i32"], returns: "i32" },
  weft_socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  weft_bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  weft_send: { args: ["i32", "ptr", "usize"], returns: "i32" },
  weft_recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i32" },
  weft_setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  weft_getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  weft_wait: { args: ["i32", "ptr", "i32"], returns: "i32" },
  weft_launch: { args: ["ptr", "i32", "i32", "ptr"], returns: "i32" },
} as const;

function compile(path: string) {
  try {
    return cc({ source: path, symbols }).symbols;
  } catch (cause) {
    throw new WeftError("unavailable", "the built-in C compiler cannot be used here", {
      cause,
      hint: "namespaces are not available; use --isolation loopback",
    });
  }
}

/** The compiler opens its source by path, and files inside a single-file executable have none that it could open. */
function load() {
  if (process.platform !== "linux") {
    throw new WeftError("unavailable", `network namespaces exist on Linux only, this is ${process.platform}`);
  }
  if (!sourcePath.startsWith("/$bunfs/")) return compile(sourcePath);
  const directory = mkdtempSync(join(tmpdir(), "weft-"));
  try {
    const path = join(directory, "native.c");
    writeFileSync(path, readFileSync(sourcePath), { mode: 0o600 });
    return compile(path);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const loaded: { calls?: ReturnType<typeof load> } = {};

/** Throws WeftError `unavailable` where the platform has none of this. */
export function native(): ReturnType<typeof load> {
  loaded.calls ??= load();
  return loaded.calls;
}

/** Gives the result of a call, or throws its errno as `what: words (NAME)`. */
export function check(what: string, result: number): number {
  if (result < 0) throw errnoError(what, -result);
  return result;
}

/** A string as C has it. Where it holds a zero byte C would see a shorter one, so that is refused. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new WeftError("bad_input", "a path, argument or variable holds a zero byte");
  return new TextEncoder().encode(`${text}\0`);
}

export function openReadOnly(path: string): number {
  return check(`open ${path}`, native().weft_open(cString(path), 0));
}

/** Closing cannot usefully fail: whatever it answers, the descriptor is gone. */
export function closeDescriptor(fd: number): void {
  native().weft_close(fd);
}

/** Both ends close on exec. */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  check("make a pipe", native().weft_pipe(ends));
  return { readEnd: ends[0] ?? -1, writeEnd: ends[1] ?? -1 };
}

const LOCK_EXCLUSIVE_NOW = 2 | 4;

/**
 * Takes the exclusive lock of an open file, which the kernel gives back when the process dies. False where another
 * process has it.
 */
export function lockFile(fd: number): boolean {
  const result = native().weft_flock(fd, LOCK_EXCLUSIVE_NOW);
  if (result === -EAGAIN) return false;
  check("lock a file", result);
  return true;
}
