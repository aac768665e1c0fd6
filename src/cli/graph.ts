/** `weft graph`: who calls whom, as text, Graphviz, Mermaid or JSON. */
import { Command, Option } from "commander";
import type { Cli } from "./cli.ts";
import { formatGraph, type GraphFormat, graphFormats } from "./graph-formats.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseCount, type SharedOptions } from "./shared-options.ts";
import { ofNamespace } from "./topology-table.ts";

interface Options extends SharedOptions {
  readonly window: number;
  readonly format: GraphFormat;
}

export function command(cli: Cli): Command {
  return new Command("graph")
    .option("--window <seconds>", "over how long the figures are taken", parseCount, 60)
    .addOption(new Option("--format <format>", "what to draw it with").choices(graphFormats).default("text"))
    .action(async (options: Options) => {
      const client = await connectServer(cli, options);
      const topology = ofNamespace(await client.topology(options.window), options);
      cli.output.write(structured(topology, options.output) ?? formatGraph(topology, options.format));
    });
}
