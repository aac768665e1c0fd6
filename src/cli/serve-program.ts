/**
 * `weft serve` and its workers without the rest of the command line: what bin/weft runs, built into one executable. Whatever does not
 * begin with the verb goes through main.ts, as does every request for help.
 */
import { WeftError } from "../kernel/index.ts";
import { Cli } from "./cli.ts";
import { exitCodeOf, reportError } from "./error-report.ts";
import { Output } from "./output.ts";
import { runCommand, usageError } from "./run-command.ts";

const cli = new Cli({ output: Output.ofProcess(process), env: process.env });

async function run([verb, ...args]: readonly string[]): Promise<void> {
  // A worker compiles nothing: it loads a third of what its parent does.
  if (verb === "worker") {
    const { command } = await import("./worker.ts");
    return runCommand(command(cli), args, cli);
  }
  if (verb === "compiler") {
    const { command } = await import("./compiler.ts");
    return runCommand(command(cli), args, cli);
  }
  if (verb !== "serve") throw new WeftError("usage", "this is weft serve alone");
  const { command } = await import("./serve.ts");
  return runCommand(command(cli), args, cli);
}

async function main(): Promise<number> {
  try {
    await run(process.argv.slice(2));
    return cli.exitCode;
  } catch (thrown) {
    const error = usageError(thrown);
    if (error === undefined) return 0;
    reportError(error, cli.output);
    return exitCodeOf(error);
  }
}

void main().then(async (exitCode) => {
  await cli.output.flush();
  process.exit(exitCode);
});
