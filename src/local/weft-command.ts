/** How weft starts itself: the runtime, its flags and the program, the same in a checkout and in a single-file executable. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkoutRoot, isInstalled, isSingleFile } from "../kernel/index.ts";

/**
 * What the runtime of a proxy is told where bin/weft, which says so in a checkout, does not start it: when it compiles to machine
 * code, and when it gives memory back. The systemd units have the same.
 */
export const proxyRuntime = {
  MIMALLOC_PURGE_DELAY: "200",
  BUN_JSC_startupJITDeferralScale: "10",
  BUN_JSC_useWarmUpMarkedBlocks: "0",
  BUN_IDLE_GC_SECONDS: "10,20,90",
} as const;

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

/** Of a proxy's process; what `env` says of the runtime itself stays. */
export function proxyEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return isInstalled ? { ...proxyRuntime, ...env } : { ...env };
}
