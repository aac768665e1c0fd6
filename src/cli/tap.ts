/** `weft tap`: requests and connections as they end, a line each, from the proxies that carry them. */
import { Command, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import type { TapEvent, TapRecordView } from "../api/index.ts";
import type { TapQuery } from "../client/index.ts";
import type { Cli } from "./cli.ts";
import { plainJson, plainText } from "./plain-text.ts";
import { connectServer } from "./server.ts";
import { parseCount, parseDuration, type SharedOptions } from "./shared-options.ts";
import { openHar, openTraffic, type TapFile } from "./tap-files.ts";
import { tapLine } from "./tap-line.ts";
import { tapTargets } from "./tap-targets.ts";

interface Options extends SharedOptions {
  readonly filter?: string;
  readonly side: keyof typeof sideFilters;
  readonly headers?: boolean;
  readonly bodies?: number;
  readonly maxPerSecond?: number;
  readonly for?: number;
  readonly count?: number;
  readonly har?: string;
  readonly record?: string;
}

/** Each request passes two proxies: one line for it is told by the caller's, or by the server's where the caller has none. */
const sideFilters = {
  client: 'direction == "outbound" || !has(source.workload)',
  server: 'direction == "inbound"',
  both: "",
} as const;

const maxBodyBytes = 65_536;
const maxSeconds = 3_600;

export function command(cli: Cli): Command {
  return new Command("tap")
    .argument("[names...]", "services and workloads; none: the namespace")
    .option("--filter <cel>", "only what this is true for, such as 'response.code >= 500'")
    .addOption(
      new Option("--side <side>", "whose proxy tells of a request")
        .choices(Object.keys(sideFilters))
        .default("client"),
    )
    .option("--headers", "with headers; secrets are redacted")
    .option("--bodies <bytes>", "with the beginning of bodies, at most 65536 bytes of each", parseBodies)
    .option("--max-per-second <n>", "at each proxy (default: 50)", parseCount)
    .option("--for <duration>", "ends by itself after 30s, 10m …, at most 1h (default: 10m)", parseDuration)
    .option("-c, --count <n>", "ends after so many", parseCount)
    .option("--har <file>", "writes an HTTP Archive too")
    .option("--record <file>", "writes what weft replay reads")
    .action((names: readonly string[], options: Options) => tap(cli, names, options));
}

async function tap(cli: Cli, names: readonly string[], options: Options): Promise<void> {
  const client = await connectServer(cli, options);
  const query: TapQuery = {
    ...(await tapTargets(client, names, options)),
    filter: [options.filter ?? "", sideFilters[options.side]]
      .filter((each) => each !== "")
      .map((each) => `(${each})`)
      .join(" && "),
    // Files are for looking at later: without headers there would be little to see.
    headers: options.headers === true || options.har !== undefined,
    maxBodyBytes: options.bodies,
    maxPerSecond: options.maxPerSecond,
    seconds: options.for === undefined ? undefined : Math.min(maxSeconds, Math.ceil(options.for / 1_000)),
  };
  const over = new AbortController();
  const end = (): void => over.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  const files: TapFile[] = [];
  try {
    if (options.har !== undefined) files.push(openHar(options.har, packageJson.version));
    if (options.record !== undefined) files.push(openTraffic(options.record, packageJson.version, query));
    await show(cli, options, client.tap(query, over.signal), files);
  } finally {
    for (const file of files) file.close();
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

async function show(
  cli: Cli,
  options: Options,
  events: AsyncGenerator<TapEvent>,
  files: readonly TapFile[],
): Promise<void> {
  const print = printer(cli, options);
  let shown = 0;
  let lost = 0;
  for await (const event of events) {
    if (event.type === "started") cli.output.note(`${event.proxies ?? 0} proxies were told; Ctrl-C ends it`);
    if (event.type === "loss") {
      lost += event.count ?? 0;
      for (const file of files) file.loss(event);
    }
    if (event.type === "end") cli.output.note(`the tap is over: ${plainText(event.why ?? "")}`);
    if (event.record === undefined) continue;
    print(event.record);
    for (const file of files) file.record(event.record);
    if (++shown === options.count) break;
  }
  if (lost > 0) {
    cli.output.note(
      `${lost} more were not told: there were more than --max-per-second, or they were read too slowly`,
    );
  }
}

function printer({ output }: Cli, options: Options): (record: TapRecordView) => void {
  switch (options.output) {
    case "json":
      return (record) => output.line(plainJson(record));
    case "yaml":
      return (record) => output.write(`---\n${stringify(record, { lineWidth: 0 })}`);
    case "name":
      return (record) => output.line(plainText(record.requestId ?? ""));
    case "table":
    case "wide":
      return (record) => output.line(tapLine(record, output, options.output === "wide"));
  }
}

function parseBodies(text: string): number {
  const bytes = parseCount(text);
  if (bytes > maxBodyBytes) throw new InvalidArgumentError(`at most ${maxBodyBytes} bytes can be had`);
  return bytes;
}
