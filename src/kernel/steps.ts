/** Long work in small steps, so that whoever shares the event loop is never held up for long. */

/** A step is of some tens of microseconds, of a few milliseconds at the most. The generator's result is the work's. */
export type Steps<T> = Generator<void, T, void>;

/** Of the event loop at once. With the last step's own length this stays well below 50 ms. */
const sliceMs = 15;

/** `pause` lets others go first; without it everything is done at once. */
export async function runSteps<T>(steps: Steps<T>, pause: () => Promise<void>): Promise<T> {
  let start = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - start < sliceMs) continue;
    await pause();
    start = performance.now();
  }
}

export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Timers, sockets and other requests have their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
