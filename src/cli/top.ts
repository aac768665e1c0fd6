/** `weft top`: live golden signals of services, of workloads, or of who calls whom. Without a terminal it prints once. */
import { Command, Option } from "commander";
import type { ApiClient } from "../client/index.ts";
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseCount, type SharedOptions } from "./shared-options.ts";
import { formatRows, serviceRows, sortRows, type TopSort, topSorts, workloadRows } from "./top-rows.ts";
import { formatTopology, ofNamespace } from "./topology-table.ts";

/** As often as proxies report; more would show the same figures again. */
const refreshEveryMs = 1_000;

const views = ["service", "workload", "edge"] as const;
type View = (typeof views)[number];

interface Options extends SharedOptions {
  readonly window: number;
  readonly by: View;
  readonly sort: TopSort;
  readonly once?: boolean;
}

/** What was read, and how it is shown. */
interface Shown {
  readonly windowSeconds: number;
  readonly value: unknown;
  table(): string;
}

export function command(cli: Cli): Command {
  return new Command("top")
    .option("--window <seconds>", "over how long the figures are taken", parseCount, 10)
    .addOption(new Option("--by <what>", "what is listed").choices(views).default("service"))
    .addOption(new Option("--sort <figure>", "what comes first").choices(topSorts).default("rps"))
    .option("--once", "print once and end")
    .action(async (options: Options) => {
      const client = await connectServer(cli, options);
      const isLive =
        cli.output.isTerminal && options.once !== true && ["table", "wide"].includes(options.output);
      if (!isLive) {
        const shown = await read(client, cli, options);
        cli.output.write(structured(shown.value, options.output) ?? shown.table());
        return;
      }
      await showLive(cli, options, () => read(client, cli, options));
    });
}

async function read(client: ApiClient, cli: Cli, options: Options): Promise<Shown> {
  const { by, sort, window, output: format } = options;
  const { width } = cli.output;
  if (by === "service") {
    const namespace = options.allNamespaces === true ? undefined : options.namespace;
    const services = await client.services(window, namespace);
    const table = (): string =>
      formatRows("SERVICE", sortRows(serviceRows(services.items), sort), { format, width });
    return { windowSeconds: window, value: services, table };
  }
  const topology = ofNamespace(await client.topology(window), options);
  const table = (): string =>
    by === "edge"
      ? formatTopology(topology, { format, width, sort })
      : formatRows("WORKLOAD", sortRows(workloadRows(topology), sort), { format, width });
  return { windowSeconds: topology.windowSeconds, value: topology, table };
}

async function showLive(cli: Cli, options: Options, readAgain: () => Promise<Shown>): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  // The other screen, so that what stood in the terminal is there again afterwards; and no cursor.
  cli.output.write("\u001b[?1049h\u001b[?25l");
  try {
    while (!over.signal.aborted) {
      cli.output.write(`\u001b[H${screen(cli, options, await readAgain())}\u001b[J`);
      await pause(refreshEveryMs, over.signal);
    }
  } finally {
    cli.output.write("\u001b[?25h\u001b[?1049l");
  }
}

function screen(cli: Cli, { sort }: Options, shown: Shown): string {
  const title = cli.output.styled(
    "bold",
    `weft top, the last ${shown.windowSeconds} s, by ${sort}; Ctrl-C ends it`,
  );
  const lines = [title, "", ...shown.table().trimEnd().split("\n")];
  const height = process.stdout.rows ?? cli.output.height ?? lines.length;
  const fitting =
    lines.length < height
      ? lines
      : [...lines.slice(0, height - 2), `… and ${lines.length - height + 2} more`];
  // Each line is cleared to its end, so that nothing of a longer one stays.
  return fitting.map((line) => `${line}\u001b[K\n`).join("");
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
