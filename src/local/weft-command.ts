/** How weft starts itself: the runtime, its flags and the program, the same in a checkout and in a single-file executable. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkoutRoot, isInstalled, isSingleFile } from "../kernel/index.ts";

export function weftCommand(...args: readonly string[]): string[] {
  if (isSingleFile) return [process.execPath, ...args];
  return [process.execPath, ...process.execArgv, Bun.main, ...args];
}

/** In a checkout bin/weft decides how a proxy runs: built into one executable wherever that is possible. */
export function proxyCommand(bootstrapFile: string): string[] {
  const args = ["proxy", "--bootstrap", bootstrapFile];
  if (!isInstalled) return [join(checkoutRoot, "bin/weft"), ...args];
  // The proxy alone, which needs less memory, where it is installed beside the whole (scripts/build.mjs).
  const alone = join(dirname(process.execPath), "weft-proxy");
  return existsSync(alone) ? [alone, ...args] : weftCommand(...args);
}
