/** A proxy in the foreground, from its bootstrap file until a signal: `weft proxy`, however it was started. */
import { readFileSync } from "node:fs";
import { createLog, errorLine, type Log, systemClock, WeftError } from "../kernel/index.ts";
import { type ListenAddress, parseBootstrap, type ProxyBootstrap, startProxy } from "../proxy/index.ts";
import { untilSignal } from "./signals.ts";

const startedAfterMs = 3_000;

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
  // By then a sidecar has all that it starts with. What only starting needed is a megabyte of code, compiled and not: all code
  // goes once, and what is called again is there again, from the program's bytecode, within the call.
  const tidying = systemClock.after(startedAfterMs, () => Bun.shrink());
  await ended;
  tidying.cancel();
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
