/** Waits for something outside of this process that sends no event, such as a port that is opened. */
import { type Clock, WeftError } from "../kernel/index.ts";

const pollEveryMs = 20;

/** Rejects with `timeout` when `check` has not said yes in time. A rejection of `check` ends the wait. */
export async function pollUntil(
  what: string,
  options: { readonly clock: Clock; readonly timeoutMs: number; readonly signal?: AbortSignal },
  check: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = options.clock.nowMs() + options.timeoutMs;
  while (!(await check())) {
    if (options.signal?.aborted === true) throw new WeftError("unavailable", `${what}: given up`);
    if (options.clock.nowMs() >= endMs) {
      throw new WeftError("timeout", `${what} took longer than ${options.timeoutMs / 1000} s`);
    }
    await new Promise<void>((resolve) => void options.clock.after(pollEveryMs, resolve));
  }
}
