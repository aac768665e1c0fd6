/**
 * Finds the verb, loads its file, runs it, and turns whatever it throws into lines on stderr and an exit code. Options that all
 * verbs share may stand before the verb as well as after it.
 */
import { Command } from "commander";
import { WeftError } from "../kernel/index.ts";
import { Cli, type CliSurroundings } from "./cli.ts";
import { exitCodeOf, reportError } from "./error-report.ts";
import { prepareCommand, runCommand, usageError } from "./run-command.ts";
import { sharedOptionsWithValue } from "./shared-options.ts";
import { verbs } from "./verbs.ts";

export async function runCommandLine(
  argv: readonly string[],
  surroundings: CliSurroundings,
): Promise<number> {
  const cli = new Cli(surroundings);
  const { verb, args } = splitVerb(argv);
  try {
    await (verb === undefined ? overview(args, cli) : runVerb(verb, args, cli));
    return cli.exitCode;
  } catch (error) {
    const translated = usageError(error);
    if (translated === undefined) return 0;
    reportError(translated, cli.output);
    // `weft run` keeps the program's own exit codes apart from its own failures.
    return verb === "run" ? 125 : exitCodeOf(translated);
  }
}

/** The verb is the first argument that is neither an option nor an option's value. */
function splitVerb(argv: readonly string[]): { verb: string | undefined; args: string[] } {
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    if (argument === "--") break;
    if (sharedOptionsWithValue.has(argument)) {
      i++;
    } else if (!argument.startsWith("-")) {
      return { verb: argument, args: [...argv.slice(0, i), ...argv.slice(i + 1)] };
    }
  }
  return { verb: undefined, args: [...argv] };
}

async function overview(args: readonly string[], cli: Cli): Promise<void> {
  const program = prepareCommand(new Command("weft"), cli)
    .usage("[options] VERB …")
    .description("a service mesh in one program: control plane, proxy and command line")
    .addHelpText("after", "\nweft VERB --help tells more about a verb.");
  program.option("-V, --version", "print the version");
  for (const [name, verb] of Object.entries(verbs)) {
    program.command(name, { hidden: verb.hidden ?? false }).summary(verb.summary);
  }
  program.action(() => {});
  await program.parseAsync([...args], { from: "user" });
  if (program.opts<{ version?: boolean }>().version === true) {
    await runVerb("version", [], cli);
    return;
  }
  throw new WeftError("usage", "no verb given", { hint: "weft --help lists them" });
}

async function runVerb(name: string, args: readonly string[], cli: Cli): Promise<void> {
  if (name === "help") {
    await (args[0] === undefined ? overview(["--help"], cli) : runVerb(args[0], ["--help"], cli));
    return;
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    throw new WeftError("usage", `there is no verb ${JSON.stringify(name)}`, {
      hint: "weft --help lists them",
    });
  }
  const { command } = await verb.load();
  const made = command(cli);
  if (made.description() === "") made.description(verb.summary);
  await runCommand(made, args, cli);
}
