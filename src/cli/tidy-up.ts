/**
 * Lets go of the code that only starting needed, a megabyte of it, compiled and not: all code goes, and what is called again is there
 * again, from the program's bytecode, within the call.
 */
import type { Clock, Timer } from "../kernel/index.ts";

/** By then a sidecar has all that it starts with. */
const startedAfterMs = 3_000;
/** The first time finds the collector at work or not, which is a difference of another megabyte: so a second time, when little else is done. */
const lookEveryMs = 15_000;
/** Of a core. Idle it is 1 %; under load nobody should wait for code to be compiled once more. */
const quietShare = 0.05;

/** Until it was quiet once, or is cancelled. */
export function tidyUp(clock: Clock): Timer {
  const whenQuiet = (): Timer => {
    const before = process.cpuUsage();
    return clock.after(lookEveryMs, () => {
      const { user, system } = process.cpuUsage(before);
      if (user + system < quietShare * lookEveryMs * 1_000) Bun.shrink();
      else timer = whenQuiet();
    });
  };
  let timer = clock.after(startedAfterMs, () => {
    Bun.shrink();
    timer = whenQuiet();
  });
  return { cancel: () => timer.cancel() };
}
