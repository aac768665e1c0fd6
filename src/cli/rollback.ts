/** `weft rollback REV`: makes objects again what they were at a revision, as one new commit. */
import { Command } from "commander";
import type { RollbackRequest, RollbackResponse } from "../api/index.ts";
import { currentAuthor } from "./author.ts";
import type { Cli } from "./cli.ts";
import { writeDifferences } from "./difference-text.ts";
import { acceptLockoutOption, askAboutLockout } from "./lock-out.ts";
import { parseObjectName } from "./object-name.ts";
import { structured } from "./render.ts";
import { parseRevision } from "./revision-number.ts";
import { connectServer } from "./server.ts";
import { collect, parseDuration, type SharedOptions } from "./shared-options.ts";
import { writeTransaction } from "./transaction-report.ts";
import { waitForRevision } from "./wait-for-revision.ts";

interface Options extends SharedOptions {
  readonly dryRun?: boolean;
  readonly only: readonly string[];
  readonly message?: string;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly acceptLockout?: boolean;
}

export function command(cli: Cli): Command {
  return new Command("rollback")
    .argument("<revision>", "as it was then", parseRevision)
    .option("--dry-run", "show what would change, and change nothing")
    .option("--only <kind/name>", "this object alone; may be given again", collect, [])
    .option("-m, --message <text>", "kept in the history")
    .option("--wait", "return when every proxy runs it")
    .option("--timeout <duration>", "how long to wait", parseDuration, 30_000)
    .option(...acceptLockoutOption)
    .action(async (revision: number, options: Options) => {
      const only = options.only.map((text) => {
        const { path: _, ...named } = parseObjectName(text, options.namespace);
        return named;
      });
      const dryRun = options.dryRun === true;
      const client = await connectServer(cli, options);
      const request: RollbackRequest = {
        ...{ revision, only, dryRun, author: currentAuthor(cli.env) },
        ...(options.message === undefined ? {} : { message: options.message }),
        ...(options.acceptLockout === true ? { acceptLockout: true } : {}),
      };
      const response = await askAboutLockout(cli, (accepted) =>
        client.rollBack(accepted ? { ...request, acceptLockout: true } : request),
      );
      report(cli, response, revision, options);
      if (options.wait !== true || dryRun) return;
      if (!(await waitForRevision(client, response.revision, options.timeout, cli.output))) cli.exitCode = 1;
    });
}

function report(cli: Cli, response: RollbackResponse, revision: number, options: Options): void {
  const text = structured(response, options.output);
  if (text !== undefined) return cli.output.write(text);
  if (options.dryRun === true) writeDifferences(cli.output, response, "now", `r${revision}`);
  writeTransaction(cli, response, options.output, options.dryRun === true ? "dry run" : undefined);
}
