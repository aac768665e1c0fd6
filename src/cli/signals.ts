/** How a long-running verb ends: the first SIGINT or SIGTERM drains, the second one exits at once. */
import { constants } from "node:os";

export interface Stoppable {
  /** Ends everything in order; the process exits with 0 after it. */
  stop(): Promise<void>;
  /** Ends what must not outlive this process, without waiting. */
  force?(): void;
}

/** Resolves with the signal's name when the first one has come and `stop` is done. */
export function untilSignal(
  part: Stoppable,
  signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"],
): Promise<NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    let isStopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        part.force?.();
        process.exit(128 + constants.signals[signal]);
      }
      isStopping = true;
      part.stop().then(() => resolve(signal), reject);
    };
    for (const signal of signals) process.on(signal, onSignal);
    ignoreRotation();
  });
}

/**
 * Whoever rotates logs of nginx or Envoy sends SIGUSR1, which by default ends a process. Logs of ours are opened anew by
 * themselves (proxy/access-log/rotated-file.ts).
 */
function ignoreRotation(): void {
  process.on("SIGUSR1", () => {});
}

/**
 * Signals sent to weft are the program's. Those that a terminal sends reach the whole foreground group, the program too: passing
 * them on would give it two.
 */
export function passSignals(pass: (signal: number) => void): void {
  const isFromTerminal = process.stdin.isTTY;
  const { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGQUIT } = constants.signals;
  for (const [name, signal] of Object.entries({ SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 })) {
    process.on(name, () => pass(signal));
  }
  for (const [name, signal] of Object.entries({ SIGINT, SIGQUIT })) {
    process.on(name, () => {
      if (!isFromTerminal) pass(signal);
    });
  }
}
