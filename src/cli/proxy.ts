/** `weft proxy`: the data plane of one workload or gateway, in the foreground until a signal. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { createLog, errorLine, WeftError } from "../kernel/index.ts";
import { parseBootstrap, type ProxyBootstrap, startProxy } from "../proxy/index.ts";
import type { Cli } from "./cli.ts";
import { untilSignal } from "./signals.ts";

interface Options {
  readonly bootstrap: string;
}

export function command(_cli: Cli): Command {
  return new Command("proxy")
    .requiredOption("--bootstrap <file>", "what the proxy starts from, as JSON")
    .action(async ({ bootstrap: file }: Options) => {
      const bootstrap = readBootstrap(file);
      const { namespace, name } = bootstrap.workload;
      const log = createLog(
        { format: bootstrap.logFormat, level: bootstrap.logLevel },
        { proxy: `${namespace}/${name}` },
      );
      const proxy = await startProxy(bootstrap, log);
      const ended = untilSignal({ stop: () => proxy.drain(), force: () => proxy.close() });
      const { tunnel, admin } = proxy.bound;
      log.ready({
        role: bootstrap.role,
        tunnel: tunnel === undefined ? undefined : `${tunnel.address}:${tunnel.port}`,
        admin: `${admin.address}:${admin.port}`,
      });
      await ended;
      proxy.close();
    });
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
