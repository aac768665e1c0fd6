/** Lets everything run that waits for nothing but other code: promises, microtasks, file operations. */

const deadlineMs = 30_000;

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Fails after a deadline that only a defect reaches. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
