/** How a process ended, in words and as a shell's exit code. */
import { constants } from "node:os";
import type { Exit } from "../intercept/index.ts";

export function describeExit(exit: Exit): string {
  switch (exit.kind) {
    case "code":
      return `exited with code ${exit.code}`;
    case "signal":
      return `was ended by ${signalName(exit.signal)}`;
  }
}

/** 128 and the signal's number where a signal ended it, as shells have it. */
export function shellExitCode(exit: Exit): number {
  return exit.kind === "code" ? exit.code : 128 + exit.signal;
}

function signalName(signal: number): string {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal);
  return found?.[0] ?? `signal ${signal}`;
}
