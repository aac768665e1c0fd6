/** `weft apply -f PATH…`: the resources of files as one transaction; with `--wait`, done when every proxy runs it. */
import { Command } from "commander";
import type { BlastRadius, TransactionResponse } from "../api/index.ts";
import { checkDocuments, placeServerIssues } from "./check-documents.ts";
import type { Cli } from "./cli.ts";
import { currentAuthor } from "./author.ts";
import { readFiles } from "./read-files.ts";
import { withoutUnknownKinds } from "./unknown-kinds.ts";
import { acceptLockoutOption, transactOrAsk } from "./lock-out.ts";
import { parseBlastRadius } from "./blast-radius.ts";
import { structured } from "./render.ts";
import { parseShares, tryOut } from "./try-out.ts";
import { sourceCommitOf } from "./source-commit.ts";
import { writeTransaction } from "./transaction-report.ts";
import { connectServer } from "./server.ts";
import { collect, parseDuration, type SharedOptions } from "./shared-options.ts";
import { waitForRevision } from "./wait-for-revision.ts";

interface Options extends SharedOptions {
  readonly file: readonly string[];
  readonly wait?: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly skipUnknownKinds?: boolean;
  readonly acceptLockout?: boolean;
  readonly message: string;
  readonly sourceCommit?: string;
  readonly maxBlastRadius?: BlastRadius;
  readonly canary?: readonly number[];
  readonly canarySteps?: readonly number[];
  readonly canaryWatch: number;
}

export function command(cli: Cli): Command {
  return new Command("apply")
    .requiredOption("-f, --file <path>", "a file, a folder or - for stdin; may be given again", collect)
    .option("--wait", "return when every proxy runs it")
    .option("--timeout <duration>", "how long to wait", parseDuration, 30_000)
    .option("--dry-run", "check everything and change nothing")
    .option("--skip-unknown-kinds", "leave out objects of kinds that weft does not know, and say so")
    .option(...acceptLockoutOption)
    .option(
      "--max-blast-radius <n>",
      "refuse where the change touches more proxies than this, or than N%",
      parseBlastRadius,
    )
    .option("-m, --message <text>", "kept in the history", "")
    .option(
      "--source-commit <id>",
      "kept in the history; found from the git checkout of the files where they are as committed",
    )
    .option(
      "--canary <share>",
      "try it out on so many percent of the proxies that it concerns, such as 10%",
      parseShares,
    )
    .option("--canary-steps <shares>", "several shares one after another, such as 10%,50%", parseShares)
    .option("--canary-watch <duration>", "how long each share is watched", parseDuration, 60_000)
    .action(async (options: Options) => {
      const read = await readFiles(options.file);
      const documents = options.skipUnknownKinds === true ? withoutUnknownKinds(read, cli.output) : read;
      const { written } = checkDocuments(documents, options.namespace);
      const client = await connectServer(cli, options);
      const message = options.message === "" ? `apply ${options.file.join(" ")}` : options.message;
      const sourceCommit = options.sourceCommit ?? sourceCommitOf(options.file);
      const steps = options.canarySteps ?? options.canary;
      if (steps !== undefined) {
        const said = { objects: written, message, sourceCommit, watchMs: options.canaryWatch };
        return tryOut(cli, client, { ...options, ...said, steps }).catch((error: unknown) => {
          throw placeServerIssues(error, documents);
        });
      }
      let response: TransactionResponse;
      try {
        const dryRun = options.dryRun === true;
        response = await transactOrAsk(cli, client, {
          objects: written,
          message,
          author: currentAuthor(cli.env),
          dryRun,
          ...(sourceCommit === undefined ? {} : { sourceCommit }),
          ...(options.maxBlastRadius === undefined ? {} : { maxBlastRadius: options.maxBlastRadius }),
          ...(options.acceptLockout === true ? { acceptLockout: true } : {}),
        });
      } catch (error) {
        throw placeServerIssues(error, documents);
      }
      const text = structured(response, options.output);
      if (text === undefined)
        writeTransaction(cli, response, options.output, options.dryRun === true ? "dry run" : undefined);
      else cli.output.write(text);
      if (options.wait !== true || options.dryRun === true) return;
      if (!(await waitForRevision(client, response.revision, options.timeout, cli.output))) cli.exitCode = 1;
    });
}
