/** SIGUSR2: start what is installed now beside this process, with the same arguments and `--takeover`. */
import { errorLine, type Log } from "../kernel/index.ts";
import { ownCommand } from "./worker-command.ts";

/** Names what starts weft in a checkout, which finds sources that are newer than the program that runs. */
const launcherVariable = "WEFT_LAUNCHER";

/** Until the function that it returns is called. One successor at a time; of one that fails the log says so, and this process goes on. */
export function followSuccessors(log: Log): () => void {
  let isStarting = false;
  const told = async ({ exited }: Bun.Subprocess): Promise<void> => {
    const code = await exited;
    isStarting = false;
    log.error("the process that was to take over has ended; this one goes on", { code });
  };
  const onSignal = (): void => {
    if (isStarting) return;
    isStarting = true;
    try {
      const successor = Bun.spawn(successorCommand(process.argv.slice(2), process.env), {
        stdin: "ignore",
        stdout: "inherit",
        stderr: "inherit",
        // It outlives this process, and a terminal's signals are not for both.
        detached: true,
      });
      log.info("starting a process that takes over", { pid: successor.pid });
      void told(successor);
      successor.unref();
    } catch (error) {
      isStarting = false;
      log.error("no process that takes over can be started", { error: errorLine(error) });
    }
  };
  process.on("SIGUSR2", onSignal);
  return () => {
    // Sent again while this process ends, it must not end it at once.
    process.on("SIGUSR2", () => {});
    process.off("SIGUSR2", onSignal);
  };
}

function successorCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const launcher = env[launcherVariable];
  const rest = args.filter((arg) => arg !== "--takeover");
  return [...(launcher === undefined ? ownCommand() : [launcher]), ...rest, "--takeover"];
}
