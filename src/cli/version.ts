/** `weft version`: the version of this program and of the runtime that it stands on. */
import { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import type { SharedOptions } from "./shared-options.ts";

export function command(cli: Cli): Command {
  return new Command("version").action((options: SharedOptions) => {
    const version = {
      weft: manifest.version,
      bun: Bun.version,
      platform: `${process.platform}-${process.arch}`,
    };
    const text = structured(version, options.output);
    cli.output.write(text ?? `weft ${version.weft} (Bun ${version.bun}, ${version.platform})\n`);
  });
}
