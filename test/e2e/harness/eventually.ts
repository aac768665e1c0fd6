/** Waits for what has no event to wait for: asks again until it holds or the time is over. */

const askEveryMs = 25;

/** The last failure is the reason when the time runs out. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= endMs) throw error;
    }
    await Bun.sleep(askEveryMs);
  }
}
