/** Waits until a process that was just started serves; ends the wait with its own last words when it ends first. */
import type { Launched } from "../intercept/index.ts";
import { type Clock, WeftError } from "../kernel/index.ts";
import { describeExit } from "./describe-exit.ts";
import { pollUntil } from "./poll.ts";

export interface ReadyOptions {
  readonly name: string;
  readonly launched: Launched;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly lastLine: () => string | undefined;
}

export async function untilReady(options: ReadyOptions, isReady: () => Promise<boolean>): Promise<void> {
  const { name, launched, clock, timeoutMs, lastLine } = options;
  const abort = new AbortController();
  const ended = launched.exited.then((exit) => {
    abort.abort();
    const words = lastLine();
    throw new WeftError(
      "unavailable",
      `${name} ${describeExit(exit)}${words === undefined ? "" : `: ${words}`}`,
    );
  });
  const ready = pollUntil(`${name} to be ready`, { clock, timeoutMs, signal: abort.signal }, isReady);
  // Whichever loses may reject later, when nobody listens any more.
  ended.catch(() => {});
  ready.catch(() => {});
  await Promise.race([ready, ended]);
}
