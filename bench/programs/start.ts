/** Our own servers and load generators: each a process of its own on the load's core, told what to do by one argument in JSON. */
import { join } from "node:path";
import { type Bench, type BenchProcess, loadCore, type StartOptions } from "../processes.ts";

export type ProgramName =
  | "byte-load"
  | "byte-server"
  | "handshake-load"
  | "idle-load"
  | "message-load"
  | "message-server"
  | "otlp-sink"
  | "paced-load"
  | "uneven-server";

export function startProgram(
  bench: Bench,
  name: ProgramName,
  settings: Readonly<Record<string, number>>,
  io: StartOptions["io"] = "log",
): BenchProcess {
  const command = [process.execPath, join(import.meta.dir, `${name}.ts`), JSON.stringify(settings)];
  return bench.start(loadCore, command, { io });
}
