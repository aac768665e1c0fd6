/** Checks of one proxy that may be under way at once. The others wait for their turn, in the order in which they came. */

export class ProbeSlots {
  readonly #max: number;
  #busy = 0;
  readonly #waiting = new Set<() => void>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Calls `start` when there is a slot, perhaps at once. Whoever is started gives it back. */
  take(start: () => void): void {
    if (this.#busy < this.#max) {
      this.#busy++;
      start();
    } else {
      this.#waiting.add(start);
    }
  }

  /** Waits no more. */
  cancel(start: () => void): void {
    this.#waiting.delete(start);
  }

  giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#busy--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
