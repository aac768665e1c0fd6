/** `weft history`: the revisions, newest first, or one of them whole. */
import { Command } from "commander";
import type { HistoryEntry, SignalsOfSpan } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { formatAge } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { writeDifferences } from "./difference-text.ts";
import { parseMoment } from "./moment.ts";
import { parseObjectName } from "./object-name.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseCount, type SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";

interface Options extends SharedOptions {
  readonly limit: number;
  readonly service?: string;
  readonly object?: string;
  readonly author?: string;
  readonly around?: string;
  readonly before?: number;
}

/** As git shortens one. */
const shownCommitLength = 10;

export function command(cli: Cli): Command {
  return new Command("history")
    .argument("[revision]", "show this one whole", parseCount)
    .option("--limit <n>", "how many", parseCount, 20)
    .option("--service <name>", "what concerns this service; NAME or NAMESPACE/NAME")
    .option("--object <kind/name>", "what changed this object")
    .option("--author <name>", "whose; the part before @ is enough")
    .option("--around <time>", 'what was near this time: "10m ago", 14:05 or 2026-01-31T14:05:00Z')
    .option("--before <revision>", "those before this one", parseCount)
    .action(async (revision: number | undefined, options: Options) => {
      const client = await connectServer(cli, options);
      if (revision === undefined) await showList(cli, client, options);
      else await showRevision(cli, client, revision, options);
    });
}

async function showList(cli: Cli, client: ApiClient, options: Options): Promise<void> {
  const { limit, before, author, namespace, output } = options;
  const nowMs = Date.now();
  const page = await client.history({
    ...{ limit, before, author },
    aroundMs: options.around === undefined ? undefined : parseMoment(options.around, nowMs),
    object: options.object === undefined ? undefined : parseObjectName(options.object, namespace).path,
    service: options.service?.includes("/") === false ? `${namespace}/${options.service}` : options.service,
  });
  const text = structured(page.items, output);
  if (text !== undefined) cli.output.write(text);
  else if (output === "name") cli.output.write(page.items.map(({ revision }) => `${revision}\n`).join(""));
  else cli.output.write(tableOf(page.items, { nowMs, isWide: output === "wide", width: cli.output.width }));
  if (text === undefined && page.continueBefore !== undefined && page.items.length < limit) {
    cli.output.note(`there may be more: weft history --before ${page.continueBefore} with the same options`);
  }
}

interface Layout {
  readonly nowMs: number;
  readonly isWide: boolean;
  readonly width: number | undefined;
}

function tableOf(entries: readonly HistoryEntry[], { nowMs, isWide, width }: Layout): string {
  const withSignals = entries.some(({ signals }) => signals !== undefined);
  const withSource = isWide || entries.some(({ sourceCommit }) => sourceCommit !== undefined);
  const header = ["REVISION", isWide ? "TIME" : "AGE", "AUTHOR", "CHANGES"];
  if (withSource) header.push("COMMIT");
  if (withSignals) header.push("BEFORE", "AFTER");
  const rows = entries.map(({ revision, timeMs, author, changes, message, sourceCommit, signals }) => [
    ...[String(revision), isWide ? new Date(timeMs).toISOString() : formatAge(timeMs, nowMs)],
    ...[author, String(changes.length)],
    ...(withSource ? [isWide ? (sourceCommit ?? "") : (sourceCommit ?? "").slice(0, shownCommitLength)] : []),
    ...(withSignals ? [signalsText(signals?.before), signalsText(signals?.after)] : []),
    message,
  ]);
  return formatTable([...header, "MESSAGE"], rows, { width, right: [0, 3] });
}

/** `120 req, 1.7% failed, p99 31 ms`. */
function signalsText(signals: SignalsOfSpan | undefined): string {
  if (signals === undefined) return "not known";
  const { count, failures, p99Ms } = signals;
  if (count === 0) return "no requests";
  return `${count} req, ${((100 * failures) / count).toFixed(1)}% failed, p99 ${p99Ms.toFixed(p99Ms < 10 ? 1 : 0)} ms`;
}

async function showRevision(cli: Cli, client: ApiClient, number: number, options: Options): Promise<void> {
  const document = await client.revision(number);
  const text = structured(document, options.output);
  if (text !== undefined) return cli.output.write(text);
  const { revision, timeMs, author, message, sourceCommit } = document.entry;
  const { output } = cli;
  output.line(output.styled("yellow", `revision ${revision}`));
  output.line(`Author:   ${plainText(author)}`);
  output.line(`Time:     ${new Date(timeMs).toISOString()} (${formatAge(timeMs, Date.now())} ago)`);
  if (sourceCommit !== undefined) output.line(`Commit:   ${plainText(sourceCommit)}`);
  output.line(`Message:  ${plainText(message)}`);
  writeDifferences(output, document, `r${revision - 1}`, `r${revision}`);
}
