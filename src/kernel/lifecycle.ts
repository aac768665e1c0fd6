/**
 * Drain, written once: something that serves stops taking new work, waits for what is in flight up to a deadline,
 * then is closed by force.
 *
 *   serving --drain()--> draining --(all done | deadline | force())--> closed
 */
import type { Clock } from "./clock.ts";

export interface Drainable {
  /** Stop taking new work. Resolves when nothing is in flight. Called once. */
  drain(): Promise<void>;
  /** End what is left, at once. Called once, after `drain`. */
  close(): void;
}

export class Lifecycle {
  readonly #parts: Drainable[] = [];
  readonly #clock: Clock;
  #draining: Promise<void> | undefined;
  #force: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isDraining(): boolean {
    return this.#draining !== undefined;
  }

  /** Parts are drained in the reverse order of their adding, one after another, so that what others depend on goes last. */
  add(part: Drainable): void {
    this.#parts.push(part);
  }

  /** Idempotent: a second call returns the first one's promise. `deadlineMs` covers all parts together. */
  drain(deadlineMs: number): Promise<void> {
    this.#draining ??= this.#run(deadlineMs);
    return this.#draining;
  }

  /** A second signal: give up waiting. */
  force(): void {
    this.#force();
  }

  async #run(deadlineMs: number): Promise<void> {
    const expired = new Promise<void>((resolve) => {
      const timer = this.#clock.after(deadlineMs, resolve);
      this.#force = () => {
        timer.cancel();
        resolve();
      };
    });
    for (const part of this.#parts.toReversed()) {
      await Promise.race([part.drain(), expired]);
      part.close();
    }
    this.#force();
  }
}
