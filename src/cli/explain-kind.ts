/** `weft explain-kind KIND`: what a kind of resource holds, field by field, from the same declaration that checks it. */
import { Command } from "commander";
import { findKind, kindNames, referenceText } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";

export function command(cli: Cli): Command {
  return new Command("explain-kind").argument("<kind>", "such as httproute").action((name: string) => {
    const kind = findKind(name);
    if (kind === undefined) {
      throw new WeftError("usage", `there is no kind "${name}"`, {
        hint: `there are ${kindNames.join(", ")}`,
      });
    }
    cli.output.write(`${referenceText(kind).trimEnd()}\n`);
  });
}
