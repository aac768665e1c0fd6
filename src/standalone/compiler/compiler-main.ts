/**
 * The process that reads and compiles files for a gateway. It has no socket and is gone when nothing has changed for a while:
 * what it knows goes to the gateway as bytes and from there to the next one.
 */
import { createLog, type Clock, type LogLevel, systemClock } from "../../kernel/index.ts";
import { type FromCompiler, isToCompiler, sentError } from "../compiler-messages.ts";
import { FilePipeline } from "../file-pipeline.ts";
import { gatewayHost } from "../machine.ts";
import { decodeState, encodeState } from "../saved-state.ts";
import type { FileSource } from "../source-object.ts";

export interface CompilerProcessOptions {
  readonly files: FileSource;
  /** Where Gateways listen that name no address of their own. */
  readonly gatewayAddress: string;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
}

/** Never resolves: the process ends when its gateway lets go of it or is gone. */
export function runCompilerProcess(options: CompilerProcessOptions): Promise<never> {
  const { files, gatewayAddress, logFormat, logLevel } = options;
  const clock: Clock = systemClock;
  const log = createLog({ format: logFormat, level: logLevel });
  const send = (message: FromCompiler): void => void process.send?.(message);
  let committed = (): void => {};
  const pipeline = new FilePipeline({
    files,
    gatewayHost: () => gatewayHost(gatewayAddress),
    commit: (change) =>
      new Promise((resolve) => {
        committed = resolve;
        send({ kind: "commit", change });
      }),
    clock,
    log,
  });
  let isFirst = true;
  const reload = async (saved: Uint8Array): Promise<void> => {
    if (isFirst) pipeline.restore(decodeState(saved));
    isFirst = false;
    await pipeline.reload();
    send({ kind: "reloaded", saved: encodeState(pipeline.save()), wantedJwks: [...pipeline.wantedJwks] });
  };
  const load = async (): Promise<void> => {
    isFirst = false;
    const state = await pipeline.load();
    send({
      kind: "loaded",
      files: state,
      everything: pipeline.agent.everything(),
      saved: encodeState(pipeline.save()),
      wantedJwks: [...pipeline.wantedJwks],
    });
  };
  const attempt = (work: Promise<void>): void =>
    void work.catch((error: unknown) => send({ kind: "failed", error: sentError(error) }));
  process.on("message", (message: unknown) => {
    if (!isToCompiler(message)) return;
    if (message.kind === "committed") {
      committed();
      return;
    }
    pipeline.keySets = message.keySets;
    attempt(message.kind === "load" ? load() : reload(message.saved));
  });
  process.on("disconnect", () => process.exit(0));
  // A terminal sends them to the whole group; the gateway decides.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
  send({ kind: "hello" });
  return new Promise(() => {});
}
