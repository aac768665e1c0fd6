/** `weft logs`: access logs of a mesh of this machine from its files; of any other mesh live, from its proxies. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { WeftError } from "../kernel/index.ts";
import { findInstance, instanceRoot, runningInstances } from "../local/index.ts";
import type { AccessLine } from "./access-lines.ts";
import type { Cli } from "./cli.ts";
import { ProxyLogs } from "./log-files.ts";
import { plainJson } from "./plain-text.ts";
import { connectServer } from "./server.ts";
import { parseCount, parseDuration, type SharedOptions } from "./shared-options.ts";
import { tapLine } from "./tap-line.ts";
import { tapTargets } from "./tap-targets.ts";

interface Options extends SharedOptions {
  readonly follow?: boolean;
  readonly since?: number;
  readonly tail: number;
}

/** A person does not see it come sooner. */
const pollMs = 200;

export function command(cli: Cli): Command {
  return new Command("logs")
    .argument("[name]", "a workload or service; none: the namespace")
    .option("-f, --follow", "goes on with what is written from now on")
    .option("--since <duration>", "only of the last 30s, 10m …", parseDuration)
    .option("--tail <n>", "how many lines of before, the newest", parseCount, 100)
    .action((name: string | undefined, options: Options) => {
      const directory = localLogs(cli, options);
      return directory === undefined ? live(cli, name, options) : ofFiles(cli, name, options, directory);
    });
}

/** Undefined: the mesh is not one of this machine. */
function localLogs(cli: Cli, options: Options): string | undefined {
  const isNamed = options.server !== undefined || (cli.env["WEFT_SERVER"] ?? "") !== "";
  const root = instanceRoot(cli.env);
  if (options.instance === undefined && (isNamed || runningInstances(root).length === 0)) return undefined;
  const directory = join(findInstance(root, options.instance).dataDir, "logs");
  return existsSync(directory) ? directory : undefined;
}

async function ofFiles(
  cli: Cli,
  name: string | undefined,
  options: Options,
  directory: string,
): Promise<void> {
  const logs = new ProxyLogs(directory);
  const isWanted = wanted(name, options);
  const fromMs = options.since === undefined ? 0 : Date.now() - options.since;
  const before = logs.read().filter((line) => line.timeMs >= fromMs && isWanted(line));
  for (const line of before.slice(-options.tail)) print(cli, options, line);
  if (options.follow !== true) return;
  const over = new AbortController();
  const end = (): void => over.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  while (!over.signal.aborted) {
    for (const line of logs.read()) if (isWanted(line)) print(cli, options, line);
    await Bun.sleep(pollMs);
  }
}

function wanted(
  name: string | undefined,
  { namespace, allNamespaces }: Options,
): (line: AccessLine) => boolean {
  if (name !== undefined) {
    const path = `${namespace}/${name}`;
    return ({ own, ownService }) => own === path || ownService === path;
  }
  return ({ own }) => allNamespaces === true || own.startsWith(`${namespace}/`);
}

function print({ output }: Cli, { output: format }: Options, line: AccessLine): void {
  if (format === "json") output.line(line.text);
  else output.line(tapLine(line.record, output, format === "wide"));
}

/** Nothing of before can be had from here: proxies write their logs where they run. */
async function live(cli: Cli, name: string | undefined, options: Options): Promise<void> {
  if (options.follow !== true) {
    throw new WeftError("usage", "logs of a mesh elsewhere are with its proxies", {
      hint: "weft logs -f shows what happens from now on",
    });
  }
  const client = await connectServer(cli, options);
  const targets = await tapTargets(client, name === undefined ? [] : [name], options);
  const over = new AbortController();
  const end = (): void => over.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  for await (const { record, type, count } of client.tap({ ...targets, seconds: 3_600 }, over.signal)) {
    if (type === "loss") cli.output.note(`${count ?? 0} lines were left out`);
    if (record === undefined) continue;
    if (options.output === "json") cli.output.line(plainJson(record));
    else cli.output.line(tapLine(record, cli.output, options.output === "wide"));
  }
}
