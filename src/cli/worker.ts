/** `weft worker`, called by weft itself: one of the processes of `weft serve --workers N`. */
import { Command } from "commander";
import { runWorkerProcess } from "../workers/index.ts";
import type { Cli } from "./cli.ts";
import type { SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly index: string;
}

export function command(_cli: Cli): Command {
  return new Command("worker")
    .requiredOption("--index <number>")
    .action(({ index, logFormat, logLevel }: Options) =>
      runWorkerProcess({ index: Number(index), logFormat, logLevel }),
    );
}
