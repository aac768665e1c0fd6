/** `weft delete KIND NAME…` or `-f PATH…`: deletes resources as one transaction. */
import { Command } from "commander";
import { type Deletion, keyOf, kinds } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { currentAuthor } from "./author.ts";
import { checkDocuments } from "./check-documents.ts";
import type { Cli } from "./cli.ts";
import { readFiles } from "./read-files.ts";
import { structured } from "./render.ts";
import { parseReference } from "./resources.ts";
import { connectServer } from "./server.ts";
import { collect, type SharedOptions } from "./shared-options.ts";
import { writeTransaction } from "./transaction-report.ts";

interface Options extends SharedOptions {
  readonly file?: readonly string[];
  readonly dryRun?: boolean;
  readonly acceptLockout?: boolean;
}

export function command(cli: Cli): Command {
  return new Command("delete")
    .argument("[kind]", "such as service, httproute or svc/reviews")
    .argument("[names...]")
    .option("-f, --file <path>", "delete what these files describe", collect)
    .option("--dry-run", "say what would be deleted")
    .option("--accept-lockout", "take a change of roles that shuts somebody out")
    .action(async (kindText: string | undefined, names: readonly string[], options: Options) => {
      const deletions = [...named(kindText, names, options), ...(await described(options))];
      const client = await connectServer(cli, options);
      const dryRun = options.dryRun === true;
      const message = `delete ${deletions.map(({ kind, name }) => `${kind}/${name}`).join(" ")}`.slice(
        0,
        1_000,
      );
      const response = await client.transact({
        deletions,
        message,
        author: currentAuthor(cli.env),
        dryRun,
        ...(options.acceptLockout === true ? { acceptLockout: true } : {}),
      });
      const text = structured(response, options.output);
      if (text === undefined) writeTransaction(cli, response, options.output, dryRun);
      else cli.output.write(text);
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
