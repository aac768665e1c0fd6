/** A proxy in the foreground, from its bootstrap file until a signal: `weft proxy`, however it was started. */
import { readFileSync } from "node:fs";
import { createLog, errorLine, type Log, WeftError } from "../kernel/index.ts";
import { type ListenAddress, parseBootstrap, type ProxyBootstrap, startProxy } from "../proxy/index.ts";
import { untilSignal } from "./signals.ts";

interface ServingProxy {
  /** Undefined: a gateway. */
  readonly tunnel: ListenAddress | undefined;
  readonly admin: ListenAddress;
  drain(): Promise<void>;
  close(): void;
}

type StartProxy = (bootstrap: ProxyBootstrap, log: Log) => Promise<ServingProxy>;

export async function serveProxy(bootstrapFile: string, start: StartProxy = startAlone): Promise<void> {
  const bootstrap = readBootstrap(bootstrapFile);
  const { namespace, name } = bootstrap.workload;
  const log = createLog(
    { format: bootstrap.logFormat, level: bootstrap.logLevel },
    { proxy: `${namespace}/${name}` },
  );
  const proxy = await start(bootstrap, log);
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

/** In this process. */
async function startAlone(bootstrap: ProxyBootstrap, log: Log): Promise<ServingProxy> {
  const proxy = await startProxy(bootstrap, log);
  const { tunnel, admin } = proxy.bound;
  return { tunnel, admin, drain: () => proxy.drain(), close: () => proxy.close() };
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
