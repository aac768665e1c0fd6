/** `weft delete KIND NAME…` or `-f PATH…`: deletes resources as one transaction. */
import { Command } from "commander";
import { type Deletion, keyOf, kinds } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { currentAuthor } from "./author.ts";
import { checkDocuments } from "./check-documents.ts";
import type { Cli } from "./cli.ts";
import { readFiles } from "./read-files.ts";
import { acceptLockoutOption, transactOrAsk } from "./lock-out.ts";
import { structured } from "./render.ts";
import { parseReference } from "./resources.ts";
import { connectServer } from "./server.ts";
import { collect, parseDuration, type SharedOptions } from "./shared-options.ts";
import { writeTransaction } from "./transaction-report.ts";
import { waitForRevision } from "./wait-for-revision.ts";

interface Options extends SharedOptions {
  readonly file?: readonly string[];
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly acceptLockout?: boolean;
}

export function command(cli: Cli): Command {
  return new Command("delete")
    .argument("[kind]", "such as service, httproute or svc/reviews")
    .argument("[names...]")
    .option("-f, --file <path>", "delete what these files describe", collect)
    .option("--wait", "return when no proxy runs it any more")
    .option("--timeout <duration>", "how long to wait", parseDuration, 30_000)
    .option("--dry-run", "say what would be deleted")
    .option(...acceptLockoutOption)
    .action(async (kindText: string | undefined, names: readonly string[], options: Options) => {
      const deletions = [...named(kindText, names, options), ...(await described(options))];
      const client = await connectServer(cli, options);
      const dryRun = options.dryRun === true;
      const message = `delete ${deletions.map(({ kind, name }) => `${kind}/${name}`).join(" ")}`.slice(
        0,
        1_000,
      );
      const accepting = options.acceptLockout === true ? { acceptLockout: true } : {};
      const author = currentAuthor(cli.env);
      const request = { deletions, message, author, dryRun, ...accepting };
      const response = await transactOrAsk(cli, client, request);
      const text = structured(response, options.output);
      if (text === undefined) writeTransaction(cli, response, options.output, dryRun ? "dry run" : undefined);
      else cli.output.write(text);
      if (options.wait !== true || dryRun) return;
      if (!(await waitForRevision(client, response.revision, options.timeout, cli.output))) cli.exitCode = 1;
    });
}

function named(kindText: string | undefined, names: readonly string[], options: Options): Deletion[] {
  if (kindText === undefined) {
    if (options.file !== undefined) return [];
    throw new WeftError("usage", "what is to be deleted?", { hint: "weft delete KIND NAME, or -f PATH" });
  }
  const references = kindText.includes("/")
    ? [kindText, ...names].map((text) => parseReference(text, undefined))
    : names.map((name) => parseReference(kindText, name));
  if (references.length === 0)
    throw new WeftError("usage", `which ${kindText}?`, { hint: `weft get ${kindText} lists them` });
  return references.map(({ kind, name }) => {
    if (name === undefined) throw new WeftError("usage", `which ${kind}?`);
    return kinds[kind].namespaced ? { kind, namespace: options.namespace, name } : { kind, name };
  });
}

async function described(options: Options): Promise<Deletion[]> {
  if (options.file === undefined) return [];
  const { objects } = checkDocuments(await readFiles(options.file), options.namespace);
  return objects
    .map(keyOf)
    .map(({ kind, namespace, name }) => (namespace === "" ? { kind, name } : { kind, namespace, name }));
}
