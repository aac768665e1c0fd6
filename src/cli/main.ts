/** The program `weft`: hands the process's arguments and streams to the command line and exits with its code. */
import { runCommandLine } from "./command-line.ts";
import { Output } from "./output.ts";

const output = Output.ofProcess(process);
const exitCode = await runCommandLine(process.argv.slice(2), { output, env: process.env });
await output.flush();
process.exit(exitCode);
