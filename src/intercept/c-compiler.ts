/**
 * Bun's built-in C compiler, without what it leaves behind: it unpacks its headers into a folder of the temporary directory and keeps
 * them there. Ours need none, so the folder goes again, unless it was there before and is somebody's.
 */
import { cc } from "bun:ffi";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Symbols = Parameters<typeof cc>[0]["symbols"];

export function compileC<const S extends Symbols>(source: string, symbols: S) {
  const cache = join(process.env["BUN_TMPDIR"] ?? tmpdir(), `bun-cc-${process.geteuid?.() ?? 0}`);
  const isOurs = !existsSync(cache);
  try {
    return tryTwice(() => cc({ source, symbols }).symbols);
  } finally {
    if (isOurs) rmSync(cache, { recursive: true, force: true });
  }
}

/** Another weft that starts in the same millisecond may take the folder away from under the compiler. */
function tryTwice<T>(compile: () => T): T {
  try {
    return compile();
  } catch {
    return compile();
  }
}
