/** One verb's command from its arguments to its end: shared options, no output and no exit of commander's own, its errors as ours. */
import { type Command, CommanderError } from "commander";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { addSharedOptions } from "./shared-options.ts";

export async function runCommand(command: Command, args: readonly string[], cli: Cli): Promise<void> {
  await addSharedOptions(prepareCommand(command, cli)).parseAsync([...args], { from: "user" });
}

/** Commander must neither exit nor print errors by itself: both are ours. */
export function prepareCommand(command: Command, cli: Cli): Command {
  return command.exitOverride().configureOutput({
    writeOut: (text) => cli.output.write(text),
    writeErr: () => {},
    outputError: () => {},
    getOutHelpWidth: () => cli.output.width ?? 100,
  });
}

/** What commander throws as an error of ours, everything else as it is. Undefined where it is no error: help was asked for and given. */
export function usageError(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return undefined;
  return new WeftError("usage", error.message.replace(/^error: /, "").replace(/\n[\s\S]*$/, ""), {
    cause: error,
  });
}
