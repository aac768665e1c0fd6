/** `weft compiler`, called by `weft serve` itself: reads and compiles its files. */
import { Command } from "commander";
import { runCompilerProcess } from "../standalone/compiler/index.ts";
import type { Cli } from "./cli.ts";
import { fileSource } from "./file-source.ts";
import { collect, type SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly filename: readonly string[];
  readonly gateway: string;
}

export function command(_cli: Cli): Command {
  return new Command("compiler")
    .requiredOption("--filename <path>", "", collect)
    .requiredOption("--gateway <address>", "")
    .action(({ filename, namespace, gateway, logFormat, logLevel }: Options) =>
      runCompilerProcess({
        files: fileSource(filename, namespace),
        gatewayAddress: gateway,
        logFormat,
        logLevel,
      }),
    );
}
