/** `weft fabric`, called by weft itself: the process inside the namespaces of a local mesh. */
import { Command, Option } from "commander";
import { createLog, systemClock } from "../kernel/index.ts";
import { runInside } from "../local/index.ts";
import type { Cli } from "./cli.ts";
import { definedOnly } from "./environment.ts";
import { passSignals } from "./signals.ts";

interface Options {
  readonly kind: "netns" | "userns";
  readonly spec: string;
}

export function command(cli: Cli): Command {
  return new Command("fabric")
    .addOption(new Option("--kind <kind>").choices(["netns", "userns"]).makeOptionMandatory())
    .requiredOption("--spec <file>")
    .action(async (options: Options) => {
      cli.exitCode = await runInside({
        kind: options.kind,
        specFile: options.spec,
        env: definedOnly(cli.env),
        clock: systemClock,
        makeLog: ({ logFormat, logLevel }) => createLog({ format: logFormat, level: logLevel }),
        onSignal: passSignals,
      });
    });
}
