/** What the room's files share above the bare calls: errors in words, strings, descriptors, locks. */
import { WeftError } from "../kernel/index.ts";
import { EAGAIN, errnoError } from "./errno.ts";
import { native } from "./native-calls.ts";

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
  return check(`open ${path}`, native().open(cString(path), 0));
}

/** Closing cannot usefully fail: whatever it answers, the descriptor is gone. */
export function closeDescriptor(fd: number): void {
  native().close(fd);
}

/** Both ends close on exec. */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  check("make a pipe", native().pipe(ends));
  return { readEnd: ends[0] ?? -1, writeEnd: ends[1] ?? -1 };
}

const LOCK_EXCLUSIVE_NOW = 2 | 4;

/**
 * Takes the exclusive lock of an open file, which the kernel gives back when the process dies. False where another
 * process has it.
 */
export function lockFile(fd: number): boolean {
  const result = native().flock(fd, LOCK_EXCLUSIVE_NOW);
  if (result === -EAGAIN) return false;
  check("lock a file", result);
  return true;
}
