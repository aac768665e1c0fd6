/** The process of a worker: the channel to its parent, and how it ends. */
import { type LogLevel, createLog, systemClock } from "../kernel/index.ts";
import { isToWorker } from "./messages.ts";
import { Worker } from "./worker.ts";

export interface WorkerProcessOptions {
  readonly index: number;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
}

/** Never resolves: the process ends by itself, in order or when its parent is gone. */
export function runWorkerProcess({ index, logFormat, logLevel }: WorkerProcessOptions): Promise<never> {
  const log = createLog({ format: logFormat, level: logLevel }, { worker: index });
  const worker = new Worker({
    send: (message) => void process.send?.(message),
    clock: systemClock,
    log,
  });
  process.on("message", (message: unknown) => {
    if (isToWorker(message)) worker.receive(message);
  });
  process.on("disconnect", () => process.exit(0));
  // A terminal sends it to the whole group; the parent decides what becomes of its workers.
  process.on("SIGINT", () => {});
  // Sent by whoever rotates logs, to all processes maybe: the file is opened anew without it.
  process.on("SIGUSR1", () => {});
  process.on("SIGTERM", () => void worker.drain());
  return new Promise(() => {});
}
