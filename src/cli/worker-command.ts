/** How a process of weft starts others of its kind: the same runtime, flags and program, in a checkout, built, or as one executable. */
export function ownCommand(): readonly string[] {
  // The executable holds the program; Bun keeps it under this virtual folder.
  const isSingleFile = Bun.main.startsWith("/$bunfs/");
  return [process.execPath, ...(isSingleFile ? [] : [...process.execArgv, Bun.main])];
}

export function workerCommand(log: { readonly format: string; readonly level: string }) {
  const options = ["--log-format", log.format, "--log-level", log.level];
  return (index: number): readonly string[] => [
    ...ownCommand(),
    "worker",
    "--index",
    String(index),
    ...options,
  ];
}
