/** The functions of `native.c`, typed and safe to call. Compiles it the first time that one is used. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkoutRoot, errorLine, isInstalled, WeftError } from "../kernel/index.ts";
import { compileC } from "./c-compiler.ts";
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

function compile(path: string): NativeCalls {
  try {
    return safeCalls(compileC(path, symbols));
  } catch (cause) {
    throw new WeftError("unavailable", "the built-in C compiler cannot be used here", {
      cause,
      hint: "namespaces are not available; use --isolation loopback",
    });
  }
}

/** The compiler opens its source by path, and files inside a single-file executable have none that it could open. */
function load(): NativeCalls {
  if (process.platform !== "linux") {
    throw new WeftError("unavailable", `network namespaces exist on Linux only, this is ${process.platform}`);
  }
  if (!isInstalled) return compile(join(checkoutRoot, "src/intercept/native.c"));
  const directory = makeFolder();
  try {
    return compile(writeSource(directory));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "weft-"));
  } catch (cause) {
    throw unwritable(cause);
  }
}

function writeSource(directory: string): string {
  const path = join(directory, "native.c");
  try {
    writeFileSync(path, readFileSync(sourcePath), { mode: 0o600 });
  } catch (cause) {
    throw unwritable(cause);
  }
  return path;
}

function unwritable(cause: unknown): WeftError {
  return new WeftError(
    "unavailable",
    `weft needs a temporary folder, and ${tmpdir()} cannot be written: ${errorLine(cause)}`,
    {
      cause,
      hint: "set TMPDIR to a folder in which this user may make files",
    },
  );
}

type Bytes = Uint8Array | Int32Array | Uint32Array | BigUint64Array;

/** Each gives zero or more, or errno with its sign turned. */
export interface NativeCalls {
  unshare(flags: number): number;
  setns(fd: number, kind: number): number;
  open(path: Uint8Array, flags: number): number;
  close(fd: number): number;
  pipe(ends: Int32Array): number;
  /** EINVAL for numbers that mean more than one process to kill(2): 0 is the whole process group, -1 everybody. */
  kill(pid: number, signal: number): number;
  flock(fd: number, operation: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Bytes): number;
  send(fd: number, bytes: Bytes): number;
  recv(fd: number, bytes: Bytes, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Bytes): number;
  getsockopt(fd: number, level: number, name: number, value: Bytes): number;
  /** 0: still running. EINVAL for numbers that mean any child. */
  wait(pid: number, status: Int32Array, isBlocking: boolean): number;
  launch(steps: BigUint64Array, count: number, reservedDescriptors: number, failed: Int32Array): number;
}

/**
 * Functions made by `cc` (unlike those of `dlopen`) take an integer argument's raw bits: a number that the engine
 * happens to hold as a double, which optimised code does at its own choice, arrives as another one, mostly 0. The
 * operator `| 0` gives what the engine always holds as an integer. Every number passes through it here, and nowhere
 * else may these functions be called.
 */
function safeCalls(raw: ReturnType<typeof compileC<typeof symbols>>): NativeCalls {
  return {
    unshare: (flags) => raw.weft_unshare(flags | 0),
    setns: (fd, kind) => raw.weft_setns(fd | 0, kind | 0),
    open: (path, flags) => raw.weft_open(path, flags | 0),
    close: (fd) => raw.weft_close(fd | 0),
    pipe: (ends) => raw.weft_pipe(ends),
    kill: (pid, signal) => raw.weft_kill(pid | 0, signal | 0),
    flock: (fd, operation) => raw.weft_flock(fd | 0, operation | 0),
    socket: (domain, type, protocol) => raw.weft_socket(domain | 0, type | 0, protocol | 0),
    bind: (fd, address) => raw.weft_bind(fd | 0, address, address.byteLength | 0),
    send: (fd, bytes) => raw.weft_send(fd | 0, bytes, bytes.byteLength | 0),
    recv: (fd, bytes, flags) => raw.weft_recv(fd | 0, bytes, bytes.byteLength | 0, flags | 0),
    setsockopt: (fd, level, name, value) =>
      raw.weft_setsockopt(fd | 0, level | 0, name | 0, value, value.byteLength | 0),
    getsockopt: (fd, level, name, value) =>
      raw.weft_getsockopt(fd | 0, level | 0, name | 0, value, new Uint32Array([value.byteLength])),
    wait: (pid, status, isBlocking) => raw.weft_wait(pid | 0, status, isBlocking ? 1 : 0),
    launch: (steps, count, reserved, failed) => raw.weft_launch(steps, count | 0, reserved | 0, failed),
  };
}

const loaded: { calls?: NativeCalls } = {};

/** Throws WeftError `unavailable` where the platform has none of this. */
export function native(): NativeCalls {
  loaded.calls ??= load();
  return loaded.calls;
}
