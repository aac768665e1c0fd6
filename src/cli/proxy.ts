/** `weft proxy`: the data plane of one workload or gateway, in the foreground until a signal. */
import { Command } from "commander";
import type { Cli } from "./cli.ts";
import { serveProxy } from "./serve-proxy.ts";

interface Options {
  readonly bootstrap: string;
}

export function command(_cli: Cli): Command {
  return new Command("proxy")
    .requiredOption("--bootstrap <file>", "what the proxy starts from, as JSON")
    .action(({ bootstrap }: Options) => serveProxy(bootstrap));
}
