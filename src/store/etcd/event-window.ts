/** The newest events, for watchers that begin in the past. Sequences are without a gap; beyond the bound the oldest are dropped. */
import type { WatchEvent } from "../store.ts";

export class EventWindow {
  readonly #bound: number;
  /** The sequence before the oldest event. */
  #floor: number;
  #events: WatchEvent[] = [];

  constructor(bound: number, floor: number) {
    this.#bound = bound;
    this.#floor = floor;
  }

  push(events: readonly WatchEvent[]): void {
    for (const event of events) this.#events.push(event);
    // Not at each event: cutting copies.
    if (this.#events.length > this.#bound * 2) this.#cut();
  }

  /** Everything before `sequence` is forgotten. */
  reset(sequence: number): void {
    this.#events = [];
    this.#floor = sequence;
  }

  /** Whether all after `sequence` is retained. */
  reaches(sequence: number): boolean {
    return sequence >= Math.max(this.#floor, this.#floor + this.#events.length - this.#bound);
  }

  after(sequence: number): readonly WatchEvent[] {
    return this.#events.slice(Math.max(0, sequence - this.#floor));
  }

  #cut(): void {
    const drop = this.#events.length - this.#bound;
    this.#events = this.#events.slice(drop);
    this.#floor += drop;
  }
}
