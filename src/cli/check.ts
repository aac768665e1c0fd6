/** `weft check`: is all well with the mesh; `--pre`: will this machine do for one. Each finding is one line; exit 1 where one is bad. */
import { Command } from "commander";
import type { Cli } from "./cli.ts";
import { checkMachine } from "./check-machine.ts";
import { checkMesh } from "./check-mesh.ts";
import type { Finding } from "./finding.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly pre?: boolean;
}

export function command(cli: Cli): Command {
  return new Command("check")
    .option("--pre", "check this machine before there is a mesh")
    .action(async (options: Options) => {
      const findings =
        options.pre === true
          ? await checkMachine()
          : await checkMesh(
              await connectServer(cli, options),
              options.allNamespaces !== true ? options.namespace : undefined,
            );
      cli.output.write(
        structured(findings, options.output) ?? findings.map((finding) => lineOf(finding, cli)).join(""),
      );
      if (findings.some(({ level }) => level === "bad")) cli.exitCode = 1;
    });
}

function lineOf({ level, message, fix = "" }: Finding, cli: Cli): string {
  const marks = {
    ok: cli.output.styled("green", "ok  "),
    note: cli.output.styled("yellow", "note"),
    bad: cli.output.styled("red", "bad "),
  };
  const line = `${marks[level]} ${plainText(message)}\n`;
  return fix === "" || level === "ok" ? line : `${line}     ${cli.output.styled("dim", plainText(fix))}\n`;
}
