/** `weft plan -f PATH…`: what a change would do, asked of a running mesh, or with `--base` of files alone. */
import { Command, InvalidArgumentError, Option } from "commander";
import { type Deletion, maxPlannedRequests, type PlanReport, type SimulatedRequest } from "../api/index.ts";
import { runAtOnce } from "../kernel/index.ts";
import {
  planChange,
  proxiesOfObjects,
  recordedRequest,
  SimulatedMesh,
  TrackedMesh,
} from "../simulate/index.ts";
import { checkDocuments, placeServerIssues } from "./check-documents.ts";
import type { Cli } from "./cli.ts";
import { offlineChange } from "./offline-change.ts";
import { orOffline } from "./offline-hint.ts";
import { parseObjectName } from "./object-name.ts";
import { openRecord } from "./record-file.ts";
import { offlineTrustDomain, readOfflineMesh } from "./offline-mesh.ts";
import { writePlan } from "./plan-text.ts";
import { readFiles } from "./read-files.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { collect, type SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly file?: readonly string[];
  readonly delete?: readonly string[];
  readonly base?: readonly string[];
  readonly traffic?: string;
  readonly failOn?: "warnings" | "flips" | "any";
}

export function command(cli: Cli): Command {
  return new Command("plan")
    .option("-f, --file <path>", "a file, a folder or - for stdin; may be given again", collect)
    .option("--delete <kind/name>", "an object to delete; may be given again", collect)
    .option("--base <path>", "compare with these files and no server; may be given again", collect)
    .option("--traffic <record>", "requests that weft tap --record wrote, to ask about before and after")
    .addOption(
      new Option("--fail-on <what>", "exit with 1 where there are some").choices([
        "warnings",
        "flips",
        "any",
      ]),
    )
    .action(async (options: Options) => {
      if (options.file === undefined && options.delete === undefined) {
        throw new InvalidArgumentError("say what changes: -f PATH or --delete KIND/NAME");
      }
      const deletions = (options.delete ?? []).map((text) => deletionOf(text, options.namespace));
      const report =
        options.base === undefined
          ? await orOffline(
              () => askServer(cli, options, deletions),
              "--base PATH compares with files and needs none",
            )
          : await planOffline(options, options.base, deletions);
      const text = structured(report, options.output);
      if (text === undefined) writePlan(cli.output, report, options.output === "wide");
      else cli.output.write(text);
      const { failOn } = options;
      const fails =
        (report.warnings.length > 0 && (failOn === "warnings" || failOn === "any")) ||
        (report.flips.length > 0 && (failOn === "flips" || failOn === "any"));
      if (fails) cli.exitCode = 1;
    });
}

async function askServer(cli: Cli, options: Options, deletions: readonly Deletion[]): Promise<PlanReport> {
  const documents = await readFiles(options.file ?? []);
  const { written } = checkDocuments(documents, options.namespace);
  const client = await connectServer(cli, options);
  const { traffic } = options;
  const gateways =
    traffic === undefined
      ? []
      : (await client.list("Gateway", {})).items.map(
          ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
        );
  const requests = traffic === undefined ? undefined : await readRequests(traffic, gateways);
  try {
    return await client.plan({
      objects: written,
      deletions,
      ...(requests === undefined ? {} : { traffic: requests }),
    });
  } catch (error) {
    throw placeServerIssues(error, documents);
  }
}

async function planOffline(
  options: Options,
  base: readonly string[],
  deletions: readonly Deletion[],
): Promise<PlanReport> {
  const before = await readOfflineMesh(base, options.namespace);
  const files = options.file ?? [];
  const written = files.length === 0 ? [] : (await readOfflineMesh(files, options.namespace)).own;
  const change = offlineChange(before.objects, written, deletions);
  const mesh = new TrackedMesh({ trustDomain: offlineTrustDomain });
  runAtOnce(mesh.sync(before.objects));
  const gateways = mesh.compiler.gateways();
  const requests = options.traffic === undefined ? [] : await readRequests(options.traffic, gateways);
  const nowMs = Date.now();
  return runAtOnce(
    planChange({
      mesh,
      changes: change,
      outcomes: change.outcomes,
      proxies: proxiesOfObjects(mesh),
      requests: requests.map((request) => ({ request, count: 1 })),
      simulatorOf: ({ compiler, registry }) => {
        const simulated = SimulatedMesh.over(
          { compiler, registry },
          { trustDomain: offlineTrustDomain, nowMs },
        );
        return (request) => simulated.simulate(request);
      },
      plaintextCallers: new Set(),
      revision: 0,
    }),
  );
}

/** The first of a record: `weft replay` asks about all of them. */
async function readRequests(file: string, gateways: readonly string[]): Promise<SimulatedRequest[]> {
  const requests: SimulatedRequest[] = [];
  for await (const line of openRecord(file)) {
    if (line.type !== "record") continue;
    const request = recordedRequest(line.record, gateways);
    if (request !== undefined) requests.push(request);
    if (requests.length === maxPlannedRequests) break;
  }
  return requests;
}

function deletionOf(text: string, defaultNamespace: string): Deletion {
  const { kind, namespace, name } = parseObjectName(text, defaultNamespace);
  return { kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
