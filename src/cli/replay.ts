/** `weft replay RECORD -f PATH…`: what recorded traffic would meet with these files, against what it meets now or with other files. */
import { Command } from "commander";
import { keyOf, keyText, kindNames, type Stored } from "../api/index.ts";
import { replay, type ReplayReport, SimulatedMesh } from "../simulate/index.ts";
import type { Cli } from "./cli.ts";
import { offlineChange } from "./offline-change.ts";
import { offlineTrustDomain, readOfflineMesh } from "./offline-mesh.ts";
import { writeFlips } from "./plan-text.ts";
import { openRecord } from "./record-file.ts";
import { orOffline } from "./offline-hint.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { collect, type SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly file: readonly string[];
  readonly base?: readonly string[];
  readonly failOnFlips?: boolean;
}

const maxShown = 50;

export function command(cli: Cli): Command {
  return new Command("replay")
    .argument("<record>", "what weft tap --record wrote")
    .requiredOption("-f, --file <path>", "a file, a folder or - for stdin; may be given again", collect)
    .option("--base <path>", "compare with these files and no server; may be given again", collect)
    .option("--fail-on-flips", "exit with 1 where a request ends otherwise")
    .action(async (record: string, options: Options) => {
      const lines = openRecord(record);
      const base = await orOffline(
        () => baseOf(cli, options),
        "--base PATH compares with files and needs none",
      );
      const { own } = await readOfflineMesh(options.file, options.namespace);
      const { objects } = offlineChange(base.objects, own);
      const nowMs = Date.now();
      const [before, after] = [base.objects, objects].map((each) =>
        SimulatedMesh.of({ objects: each, trustDomain: base.trustDomain, nowMs }),
      );
      if (before === undefined || after === undefined) return;
      const gateways = [before, after].flatMap((mesh) =>
        mesh.proxies().flatMap(({ kind, name }) => (kind === "gateway" ? [name] : [])),
      );
      const report = await replay({
        lines,
        before: (request) => before.simulate(request),
        after: (request) => after.simulate(request),
        gateways: [...new Set(gateways)],
      });
      const text = structured(report, options.output);
      if (text === undefined) writeReport(cli, report, options.output === "wide");
      else cli.output.write(text);
      if (options.failOnFlips === true && report.flipped > 0) cli.exitCode = 1;
    });
}

async function baseOf(cli: Cli, options: Options) {
  if (options.base !== undefined) {
    const { objects } = await readOfflineMesh(options.base, options.namespace);
    return { objects, trustDomain: offlineTrustDomain };
  }
  const client = await connectServer(cli, options);
  const objects = new Map<string, Stored>();
  for (const kind of kindNames) {
    // What decides about requests; who may ask the API is another matter, and Secrets are nobody's to copy.
    if (kind.includes("Role") || kind === "Secret") continue;
    for (const object of (await client.list(kind, {})).items) objects.set(keyText(keyOf(object)), object);
  }
  const { trustDomain } = await client.status();
  return { objects: [...objects.values()], trustDomain };
}

function writeReport(cli: Cli, report: ReplayReport, isWide: boolean): void {
  const { requests, flipped, flips, otherSides, unknown, lost, flipsOmitted } = report;
  if (requests === 0) cli.output.line("the record has no request that can be asked about");
  else cli.output.line(`${flipped} of ${requests} requests end otherwise${flipped === 0 ? "" : ":"}`);
  writeFlips(cli.output, flips, isWide ? flips.length : maxShown);
  if (flipsOmitted > 0) cli.output.line(`  and ${flipsOmitted} requests of further kinds`);
  if (otherSides > 0) cli.output.note(`${otherSides} records of servers' sides were left out`);
  if (unknown > 0) cli.output.note(`${unknown} records name callers or destinations that are not known here`);
  if (lost > 0) cli.output.note(`${lost} requests are not in the record: the tap lost them`);
}
