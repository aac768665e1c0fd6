/** `weft diff REV [REV]`: what differs between two revisions, of the objects or of what one workload's proxy is given. */
import { Command } from "commander";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { writeDifferences } from "./difference-text.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseRevision } from "./revision-number.ts";
import type { SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly effective?: boolean;
  readonly workload?: string;
}

export function command(cli: Cli): Command {
  return new Command("diff")
    .argument("<revision>", "the one", parseRevision)
    .argument("[other]", "the other; the newest where absent", parseRevision)
    .option("--effective", "compare what --workload is given, as it is compiled")
    .option("--workload <name>", "whose; NAME or NAMESPACE/NAME, a Gateway as gateway/NAME")
    .action(async (from: number, to: number | undefined, options: Options) => {
      if ((options.effective === true) !== (options.workload !== undefined)) {
        throw new WeftError("usage", "--effective and --workload belong together", {
          hint: "weft diff --effective --workload NAME REVISION [REVISION]",
        });
      }
      const client = await connectServer(cli, options);
      const workload =
        options.workload?.includes("/") === false
          ? `${options.namespace}/${options.workload}`
          : options.workload;
      const document = await client.diff({ from, to, workload });
      const text = structured(document, options.output);
      if (text !== undefined) return cli.output.write(text);
      writeDifferences(cli.output, document, `r${document.from}`, `r${document.to}`);
      if (document.differences.length === 0) cli.output.note("nothing differs");
    });
}
