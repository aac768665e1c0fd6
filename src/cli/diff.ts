/** `weft diff REV [REV]`: what differs between two revisions, of objects or with `--effective` of what proxies have. */
import { Command, InvalidArgumentError } from "commander";
import type { Cli } from "./cli.ts";
import { writeDifferences } from "./difference-text.ts";
import { writeEffectiveDiff } from "./plan-text.ts";
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
    .option("--effective", "of what each proxy has, not of objects")
    .option("--workload <name>", "of this proxy alone, NAME or NAMESPACE/NAME; with --effective")
    .action(async (from: number, to: number | undefined, options: Options) => {
      if (options.effective === true) return showEffective(cli, from, to, options);
      if (options.workload !== undefined)
        throw new InvalidArgumentError("--workload asks about what a proxy has: give --effective too");
      const client = await connectServer(cli, options);
      const document = await client.diff({ from, to });
      const text = structured(document, options.output);
      if (text !== undefined) return cli.output.write(text);
      writeDifferences(cli.output, document, `r${document.from}`, `r${document.to}`);
      if (document.differences.length === 0) cli.output.note("nothing differs");
    });
}

async function showEffective(
  cli: Cli,
  from: number,
  to: number | undefined,
  options: Options,
): Promise<void> {
  const { workload: name, namespace, output } = options;
  const workload = name === undefined || name.includes("/") ? name : `${namespace}/${name}`;
  const client = await connectServer(cli, options);
  const diff = await client.effectiveDiff({ from, to, workload });
  const text = structured(diff, output);
  if (text === undefined) writeEffectiveDiff(cli.output, diff, output === "wide");
  else cli.output.write(text);
}
