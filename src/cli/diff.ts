/** `weft diff REV [REV]`: what differs between two revisions. */
import { Command } from "commander";
import type { Cli } from "./cli.ts";
import { writeDifferences } from "./difference-text.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseRevision } from "./revision-number.ts";
import type { SharedOptions } from "./shared-options.ts";

export function command(cli: Cli): Command {
  return new Command("diff")
    .argument("<revision>", "the one", parseRevision)
    .argument("[other]", "the other; the newest where absent", parseRevision)
    .action(async (from: number, to: number | undefined, options: SharedOptions) => {
      const client = await connectServer(cli, options);
      const document = await client.diff({ from, to });
      const text = structured(document, options.output);
      if (text !== undefined) return cli.output.write(text);
      writeDifferences(cli.output, document, `r${document.from}`, `r${document.to}`);
      if (document.differences.length === 0) cli.output.note("nothing differs");
    });
}
