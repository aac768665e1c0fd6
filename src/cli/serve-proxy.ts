/** A proxy in the foreground, from its bootstrap file until a signal: `weft proxy`, however it was started. */
import { readFileSync } from "node:fs";
import { createLog, errorLine, type Log, systemClock, WeftError } from "../kernel/index.ts";
import { type ListenAddress, parseBootstrap, type ProxyBootstrap } from "../proxy/index.ts";
import { startProxyAlone } from "../workers/alone/index.ts";
import { notifyReady } from "./service-notify.ts";
import { untilSignal } from "./signals.ts";
import { followSuccessors } from "./successor.ts";

const startedAfterMs = 3_000;

interface ServingProxy {
  /** Undefined: a gateway. */
  readonly tunnel: ListenAddress | undefined;
  readonly admin: ListenAddress;
  readonly replacedPid: number | undefined;
  readonly replaced: Promise<void>;
  drain(): Promise<void>;
  close(): void;
}

interface ProxyStart {
  readonly bootstrap: ProxyBootstrap;
  readonly takesOver: boolean;
  readonly log: Log;
}

interface ServeOptions {
  /** Of `--takeover`. */
  readonly takesOver: boolean;
  /** Default: in this process. */
  readonly start?: (start: ProxyStart) => Promise<ServingProxy>;
}

export async function serveProxy(
  bootstrapFile: string,
  { takesOver, start = startProxyAlone }: ServeOptions,
): Promise<void> {
  const bootstrap = readBootstrap(bootstrapFile);
  const { namespace, name } = bootstrap.workload;
  const log = createLog(
    { format: bootstrap.logFormat, level: bootstrap.logLevel },
    { proxy: `${namespace}/${name}` },
  );
  const proxy = await start({ bootstrap, takesOver, log });
  const ended = untilSignal({ stop: () => proxy.drain(), force: () => proxy.close() });
  const { tunnel, admin } = proxy;
  log.ready({
    role: bootstrap.role,
    tunnel: tunnel === undefined ? undefined : `${tunnel.address}:${tunnel.port}`,
    admin: `${admin.address}:${admin.port}`,
    replaced: proxy.replacedPid,
  });
  notifyReady(log);
  const stopFollowing = followSuccessors(log);
  // By then a sidecar has all that it starts with. What only starting needed is a megabyte of code, compiled and not: all code
  // goes once, and what is called again is there again, from the program's bytecode, within the call.
  const tidying = systemClock.after(startedAfterMs, () => Bun.shrink());
  await Promise.race([ended, proxy.replaced]);
  stopFollowing();
  tidying.cancel();
  proxy.close();
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
