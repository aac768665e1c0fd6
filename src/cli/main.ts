/** The program `weft`: hands the process's arguments and streams to the command line and exits with its code. */
import { runCommandLine } from "./command-line.ts";
import { Output } from "./output.ts";
import { askOf } from "./question.ts";

const output = Output.ofProcess(process);
// Without an await at the top level, which would keep this from being compiled ahead of time (scripts/build.mjs).
void runCommandLine(process.argv.slice(2), { output, env: process.env, ask: askOf(process) }).then(
  async (exitCode) => {
    await output.flush();
    process.exit(exitCode);
  },
);
