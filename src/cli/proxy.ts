/** `weft proxy`: the data plane of one workload or gateway, in the foreground until a signal. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { Cli } from "./cli.ts";
import { serveProxy } from "./serve-proxy.ts";
import { maxWorkers, readWorkerCount } from "./worker-count.ts";

interface Options {
  readonly bootstrap: string;
  readonly workers: number;
  readonly takeover?: boolean;
}

const help = `
SIGUSR2 has a proxy start what is installed now in its own place, as --takeover does by hand.`;

export function command(_cli: Cli): Command {
  return new Command("proxy")
    .requiredOption("--bootstrap <file>", "what the proxy starts from, as JSON")
    .addOption(
      new Option("--workers <number>", "processes that share the work, for as many cores")
        .argParser((text) => {
          const count = readWorkerCount(text);
          if (count === undefined)
            throw new InvalidArgumentError(`write a whole number from 1 to ${maxWorkers}`);
          return count;
        })
        .default(1),
    )
    .option(
      "--takeover",
      "replace the process that has the bootstrap's data directory: take its ports, have it finish what it has, lose nothing",
    )
    .addHelpText("after", help)
    .action(async ({ bootstrap, workers, takeover: takesOver = false }: Options) => {
      if (workers === 1) return await serveProxy(bootstrap, { takesOver });
      const { serveProxyWorkers } = await import("./serve-proxy-workers.ts");
      return await serveProxyWorkers(bootstrap, workers, takesOver);
    });
}
