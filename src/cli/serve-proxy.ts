/** A proxy in the foreground, from its bootstrap file until a signal: `weft proxy`, however it was started. */
import { readFileSync } from "node:fs";
import { createLog, errorLine, type Log, WeftError } from "../kernel/index.ts";
import { type ListenAddress, parseBootstrap, type ProxyBootstrap, startProxy } from "../proxy/index.ts";
import { untilSignal } from "./signals.ts";
import { workerCommand } from "./worker-command.ts";

interface Serving {
  readonly tunnel: ListenAddress | undefined;
  readonly admin: ListenAddress;
  drain(): Promise<void>;
  close(): void;
}

/** `workers`: processes that share the work; 1: this one does it alone. */
export async function serveProxy(bootstrapFile: string, workers: number): Promise<void> {
  const bootstrap = readBootstrap(bootstrapFile);
  const { namespace, name } = bootstrap.workload;
  const log = createLog(
    { format: bootstrap.logFormat, level: bootstrap.logLevel },
    { proxy: `${namespace}/${name}` },
  );
  const proxy = await (workers === 1 ? alone(bootstrap, log) : withWorkers(bootstrap, workers, log));
  const ended = untilSignal({ stop: () => proxy.drain(), force: () => proxy.close() });
  const { tunnel, admin } = proxy;
  log.ready({
    role: bootstrap.role,
    tunnel: tunnel === undefined ? undefined : `${tunnel.address}:${tunnel.port}`,
    admin: `${admin.address}:${admin.port}`,
  });
  await ended;
  proxy.close();
}

async function alone(bootstrap: ProxyBootstrap, log: Log): Promise<Serving> {
  const proxy = await startProxy(bootstrap, log);
  const { tunnel, admin } = proxy.bound;
  return { tunnel, admin, drain: () => proxy.drain(), close: () => proxy.close() };
}

async function withWorkers(bootstrap: ProxyBootstrap, count: number, log: Log): Promise<Serving> {
  // A proxy alone, which is most of them, does not pay for what it does not use.
  const { startProxyParent } = await import("../workers/index.ts");
  const { logFormat: format, logLevel: level } = bootstrap;
  return await startProxyParent({ bootstrap, count, command: workerCommand({ format, level }), log });
}

function readBootstrap(file: string): ProxyBootstrap {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new WeftError("bad_input", `the bootstrap file cannot be read: ${errorLine(cause)}`, { cause });
  }
  return parseBootstrap(text, file);
}
