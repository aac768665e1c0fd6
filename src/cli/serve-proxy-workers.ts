/** A proxy of several processes in the foreground. Apart from one of a single process, which must not pay for the others' code. */
import { startProxyParent } from "../workers/index.ts";
import { serveProxy } from "./serve-proxy.ts";
import { workerCommand } from "./worker-command.ts";

export async function serveProxyWorkers(
  bootstrapFile: string,
  count: number,
  takesOver: boolean,
): Promise<void> {
  await serveProxy(bootstrapFile, {
    takesOver,
    start(options) {
      const { logFormat: format, logLevel: level } = options.bootstrap;
      return startProxyParent({ ...options, count, command: workerCommand({ format, level }) });
    },
  });
}
