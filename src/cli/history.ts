/** `weft history`: the revisions, newest first. */
import { formatAge } from "../kernel/index.ts";
import { Command } from "commander";
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseCount, type SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";

interface Options extends SharedOptions {
  readonly limit: number;
}

export function command(cli: Cli): Command {
  return new Command("history")
    .option("--limit <n>", "how many", parseCount, 20)
    .action(async (options: Options) => {
      const client = await connectServer(cli, options);
      const revisions = await client.history(options.limit);
      const text = structured(revisions, options.output);
      if (text !== undefined) {
        cli.output.write(text);
        return;
      }
      const nowMs = Date.now();
      const rows = revisions.map(({ revision, timeMs, author, changes, message }) => [
        ...[String(revision), formatAge(timeMs, nowMs), author, String(changes.length), message],
      ]);
      if (options.output === "name") cli.output.write(rows.map(([revision]) => `${revision}\n`).join(""));
      else
        cli.output.write(
          formatTable(["REVISION", "AGE", "AUTHOR", "CHANGES", "MESSAGE"], rows, {
            width: cli.output.width,
            right: [0, 3],
          }),
        );
    });
}
