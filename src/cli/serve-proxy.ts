/** A proxy in the foreground, from its bootstrap file until a signal: `weft proxy`, however it was started. */
import { readFileSync } from "node:fs";
import { createLog, errorLine, type Log, systemClock, WeftError } from "../kernel/index.ts";
import { type ListenAddress, parseBootstrap, type ProxyBootstrap } from "../proxy/index.ts";
import { startProxyAlone } from "../workers/alone/index.ts";
import { notifyReady } from "./service-notify.ts";
import { untilSignal } from "./signals.ts";
import { followSuccessors } from "./successor.ts";
import { tidyUp } from "./tidy-up.ts";

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
  // Before anybody can be told that there is a process to send it to: by itself the signal ends one.
  const stopFollowing = followSuccessors(log);
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
  const tidying = tidyUp(systemClock);
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
