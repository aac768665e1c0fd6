/**
 * The directory of one running gateway: a lock, so that there is one, and a socket, by which the next one takes over. For the owner only.
 *
 *   lock   control.sock (0600)
 */
import { dlopen } from "bun:ffi";
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { WeftError } from "../kernel/index.ts";

const lockExclusive = 2;
const lockNonBlocking = 4;
/** What a Unix socket's address holds (107 bytes), less the suffix while it is made. */
const maxSocketPathBytes = 96;

export class InstanceDirectory {
  readonly path: string;
  readonly socketPath: string;
  #lockDescriptor: number | undefined;

  private constructor(path: string) {
    this.path = path;
    this.socketPath = join(path, "control.sock");
  }

  /** Makes it where it is missing. Throws `io`, `permission` or `bad_input`. */
  static open(path: string): InstanceDirectory {
    const directory = new InstanceDirectory(resolve(path));
    if (Buffer.byteLength(directory.socketPath) > maxSocketPathBytes) {
      throw new WeftError(
        "bad_input",
        `the data directory's path ${directory.path} is too long for a socket`,
        {
          hint: `at most ${maxSocketPathBytes - "/control.sock".length} bytes`,
        },
      );
    }
    try {
      mkdirSync(directory.path, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new WeftError("io", `cannot make the data directory ${directory.path}`, { cause });
    }
    const { uid, mode } = statSync(directory.path);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
      throw new WeftError("permission", `others may write to the data directory ${directory.path}`, {
        hint: "it must belong to whoever runs weft, with mode 0700",
      });
    }
    return directory;
  }

  /** Dropped by the system with the process, however that ends. False: another process has it. */
  tryLock(): boolean {
    if (this.#lockDescriptor !== undefined) return true;
    const descriptor = openSync(join(this.path, "lock"), "a", 0o600);
    if (flock(descriptor, lockExclusive | lockNonBlocking) !== 0) {
      closeSync(descriptor);
      return false;
    }
    this.#lockDescriptor = descriptor;
    return true;
  }

  unlock(): void {
    if (this.#lockDescriptor !== undefined) closeSync(this.#lockDescriptor);
    this.#lockDescriptor = undefined;
  }

  /** `bind` makes a socket at the path that it is given, which then appears under its name in one step, closed to others. */
  placeSocket<T>(bind: (path: string) => T): T {
    // A name of its own: whoever stops listening removes what stands under the name that it bound.
    const temporary = `${this.socketPath}.${process.pid}`;
    rmSync(temporary, { force: true });
    const mask = process.umask(0o177);
    try {
      const bound = bind(temporary);
      chmodSync(temporary, 0o600);
      renameSync(temporary, this.socketPath);
      return bound;
    } finally {
      process.umask(mask);
    }
  }

  /** Whether the socket there is of a process of ours. */
  isOwnSocket(): boolean {
    try {
      const { uid } = statSync(this.socketPath);
      return uid === process.getuid?.();
    } catch {
      return false;
    }
  }
}

type Flock = (descriptor: number, operation: number) => number;
let systemFlock: Flock | undefined;

function flock(descriptor: number, operation: number): number {
  systemFlock ??= findFlock();
  return systemFlock(descriptor, operation);
}

function findFlock(): Flock {
  const names =
    process.platform === "darwin"
      ? ["libSystem.B.dylib"]
      : ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
  for (const name of names) {
    try {
      const { symbols } = dlopen(name, { flock: { args: ["i32", "i32"], returns: "i32" } });
      return (fd, flags) => symbols.flock(fd, flags);
    } catch {
      // Not this C library; the next one.
    }
  }
  throw new WeftError("unavailable", "files cannot be locked on this system");
}
