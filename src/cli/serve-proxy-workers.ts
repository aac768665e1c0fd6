/** A proxy of several processes in the foreground. Apart from one of a single process, which must not pay for the others' code. */
import { startProxyParent } from "../workers/index.ts";
import { serveProxy } from "./serve-proxy.ts";
import { workerCommand } from "./worker-command.ts";

export async function serveProxyWorkers(bootstrapFile: string, count: number): Promise<void> {
  await serveProxy(bootstrapFile, (bootstrap, log) => {
    const command = workerCommand({ format: bootstrap.logFormat, level: bootstrap.logLevel });
    return startProxyParent({ bootstrap, count, command, log });
  });
}
