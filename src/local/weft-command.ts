/** How weft starts itself: the runtime, its flags and the program, the same in a checkout and in a single-file executable. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export function weftCommand(...args: readonly string[]): string[] {
  if (isSingleFile()) return [process.execPath, ...args];
  return [process.execPath, ...process.execArgv, Bun.main, ...args];
}

/** In a checkout bin/weft decides how a proxy runs: built into one executable wherever that is possible. */
export function proxyCommand(bootstrapFile: string): string[] {
  const args = ["proxy", "--bootstrap", bootstrapFile];
  if (isSingleFile()) {
    // The proxy alone, which needs less memory, where it is installed beside the whole (scripts/build.mjs).
    const alone = join(dirname(process.execPath), "weft-proxy");
    return existsSync(alone) ? [alone, ...args] : weftCommand(...args);
  }
  return [join(import.meta.dir, "../../bin/weft"), ...args];
}

/** The single-file executable holds the program; Bun keeps it under this virtual folder. */
function isSingleFile(): boolean {
  return Bun.main.startsWith("/$bunfs/");
}
