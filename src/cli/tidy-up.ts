/**
 * Lets go of the code that only starting needed, a megabyte of it, compiled and not: all code goes, and what is called again is there
 * again, from the program's bytecode, within the call.
 */
import type { Clock, Timer } from "../kernel/index.ts";

/** By then a sidecar has all that it starts with. */
const startedAfterMs = 3_000;
/** The first time finds the collector at work or not, which is a difference of another megabyte: so a second time, when little else is done. */
const lookAfterMs = 15_000;
/**
 * Of a core. Idle it is 1 %. Who has had more to do meanwhile has compiled what it is there for: that stays, or whatever comes
 * after the next lull would cost several times as much for seconds, until it is compiled once more.
 */
const quietShare = 0.05;

/** Twice at most, or until it is cancelled. */
export function tidyUp(clock: Clock): Timer {
  let timer = clock.after(startedAfterMs, () => {
    Bun.shrink();
    const before = process.cpuUsage();
    timer = clock.after(lookAfterMs, () => {
      const { user, system } = process.cpuUsage(before);
      if (user + system < quietShare * lookAfterMs * 1_000) Bun.shrink();
    });
  });
  return { cancel: () => timer.cancel() };
}
