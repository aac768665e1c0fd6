/** How a process of weft starts its workers: the same runtime, flags and program, in a checkout, built, or as one executable. */
export function workerCommand(log: { readonly format: string; readonly level: string }) {
  // The executable holds the program; Bun keeps it under this virtual folder.
  const isSingleFile = Bun.main.startsWith("/$bunfs/");
  const program = isSingleFile ? [] : [...process.execArgv, Bun.main];
  const options = ["--log-format", log.format, "--log-level", log.level];
  return (index: number): readonly string[] => [
    process.execPath,
    ...program,
    "worker",
    "--index",
    String(index),
    ...options,
  ];
}
