/** How weft starts itself: the runtime, its flags and the program, the same in a checkout and in a single-file executable. */
import { join } from "node:path";

export function weftCommand(...args: readonly string[]): string[] {
  if (isSingleFile()) return [process.execPath, ...args];
  return [process.execPath, ...process.execArgv, Bun.main, ...args];
}

/** In a checkout bin/weft decides how a proxy runs: built into one executable wherever that is possible. */
export function proxyCommand(bootstrapFile: string): string[] {
  const args = ["proxy", "--bootstrap", bootstrapFile];
  return isSingleFile() ? weftCommand(...args) : [join(import.meta.dir, "../../bin/weft"), ...args];
}

/** The single-file executable holds the program; Bun keeps it under this virtual folder. */
function isSingleFile(): boolean {
  return Bun.main.startsWith("/$bunfs/");
}
