/** How a process of weft starts others of its kind: the same runtime, flags and program, in a checkout, built, or as one executable. */
import { isSingleFile } from "../kernel/index.ts";

export function ownCommand(): readonly string[] {
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
