/** How weft starts itself: the runtime, its flags and the program, the same in a checkout and in a single-file executable. */

export function weftCommand(...args: readonly string[]): string[] {
  // The single-file executable holds the program; Bun keeps it under this virtual folder.
  if (Bun.main.startsWith("/$bunfs/")) return [process.execPath, ...args];
  return [process.execPath, ...process.execArgv, Bun.main, ...args];
}
