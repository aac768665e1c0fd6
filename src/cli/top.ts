/** `weft top`: live golden signals, who calls whom and how that goes. Without a terminal it prints once. */
import { Command } from "commander";
import type { Topology } from "../api/index.ts";
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseCount, type SharedOptions } from "./shared-options.ts";
import { formatTopology, ofNamespace } from "./topology-table.ts";

/** As often as proxies report; more would show the same figures again. */
const refreshEveryMs = 1_000;

interface Options extends SharedOptions {
  readonly window: number;
  readonly once?: boolean;
}

export function command(cli: Cli): Command {
  return new Command("top")
    .option("--window <seconds>", "over how long the figures are taken", parseCount, 10)
    .option("--once", "print once and end")
    .action(async (options: Options) => {
      const client = await connectServer(cli, options);
      const isLive =
        cli.output.isTerminal && options.once !== true && ["table", "wide"].includes(options.output);
      if (!isLive) {
        const topology = ofNamespace(await client.topology(options.window), options);
        cli.output.write(
          structured(topology, options.output) ?? formatTopology(topology, options.output, cli.output.width),
        );
        return;
      }
      await showLive(cli, options, () => client.topology(options.window));
    });
}

async function showLive(cli: Cli, options: Options, read: () => Promise<Topology>): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  // The other screen, so that what stood in the terminal is there again afterwards; and no cursor.
  cli.output.write("\u001b[?1049h\u001b[?25l");
  try {
    while (!over.signal.aborted) {
      const topology = ofNamespace(await read(), options);
      cli.output.write(`\u001b[H${screen(cli, options, topology)}\u001b[J`);
      await pause(refreshEveryMs, over.signal);
    }
  } finally {
    cli.output.write("\u001b[?25h\u001b[?1049l");
  }
}

function screen(cli: Cli, options: Options, topology: Topology): string {
  const title = cli.output.styled("bold", `weft top, the last ${topology.windowSeconds} s; Ctrl-C ends it`);
  const lines = [
    title,
    "",
    ...formatTopology(topology, options.output, cli.output.width).trimEnd().split("\n"),
  ];
  const height = process.stdout.rows ?? cli.output.height ?? lines.length;
  const shown =
    lines.length < height
      ? lines
      : [...lines.slice(0, height - 2), `… and ${lines.length - height + 2} more`];
  // Each line is cleared to its end, so that nothing of a longer one stays.
  return shown.map((line) => `${line}\u001b[K\n`).join("");
}

/** Ends early when the signal comes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
