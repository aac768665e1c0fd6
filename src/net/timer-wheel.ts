/**
 * A coarse timer for many short-lived deadlines: scheduling, moving and cancelling cost a few field writes, where a
 * `setTimeout` of each would cost most of a microsecond. Fires late by up to one tick, never early, and behind what has arrived by
 * then. Sleeps when empty.
 */
import type { Clock, Timer } from "../kernel/index.ts";

export interface WheelTimer {
  /** Nothing after it fired or was cancelled. */
  cancel(): void;
  /** Counts anew from now; also revives a timer that fired or was cancelled. */
  reschedule(delayMs: number): void;
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  /** Heads of circular lists. */
  readonly #slots: Entry[];
  readonly #startMs: number;
  /** All slots up to this tick, inclusive, have been looked at. */
  #tick: number;
  #size: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, tickMs: number, slots: number) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#slots = Array.from({ length: slots }, () => new Entry(this, () => {}));
    this.#startMs = clock.monotonicUs() / 1000;
    this.#tick = 0;
    this.#size = 0;
    this.#timer = undefined;
  }

  get size(): number {
    return this.#size;
  }

  schedule(delayMs: number, callback: () => void): WheelTimer {
    const entry = new Entry(this, callback);
    this.place(entry, delayMs);
    return entry;
  }

  /** Drops all timers without calling them. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const head of this.#slots) while (head.next !== head) this.remove(head.next);
  }

  /** For its entries. */
  place(entry: Entry, delayMs: number): void {
    const nowMs = this.#elapsedMs();
    if (this.#size === 0) this.#tick = Math.floor(nowMs / this.#tickMs);
    const dueTick = Math.max(Math.ceil((nowMs + delayMs) / this.#tickMs), this.#tick + 1);
    // A later due time needs no move: the slot is looked at too early and the entry moved on then.
    const isMove = entry.isPlaced && dueTick >= entry.dueTick;
    entry.dueTick = dueTick;
    if (isMove) return;
    if (entry.isPlaced) this.remove(entry);
    this.#link(entry);
    this.#size++;
    this.#timer ??= this.#clock.after(this.#tickMs, this.#onTick);
  }

  /** For its entries. */
  remove(entry: Entry): void {
    entry.unlink();
    this.#size--;
  }

  #link(entry: Entry): void {
    const head = this.#slots[entry.dueTick % this.#slots.length];
    if (head !== undefined) entry.linkBefore(head);
  }

  readonly #onTick = (): void => {
    const now = this.#nowTick();
    if (this.#isAnybodyIn(now)) {
      // What they wait for may have arrived already.
      this.#timer = this.#clock.deadline(0, this.#onDue);
    } else {
      this.#tick = now;
      this.#sleep();
    }
  };

  readonly #onDue = (): void => {
    this.#timer = undefined;
    const now = this.#nowTick();
    const first = this.#firstTick(now);
    this.#tick = now;
    for (let tick = first; tick <= now; tick++) {
      const head = this.#slots[tick % this.#slots.length];
      if (head !== undefined) this.#expire(head, now);
    }
    if (this.#timer === undefined) this.#sleep();
  };

  #sleep(): void {
    this.#timer = this.#size > 0 ? this.#clock.after(this.#tickMs, this.#onTick) : undefined;
  }

  #nowTick(): number {
    return Math.floor(this.#elapsedMs() / this.#tickMs);
  }

  /** After a long pause of the process each slot is looked at once, not once for each turn that was missed. */
  #firstTick(now: number): number {
    return Math.max(this.#tick + 1, now - this.#slots.length + 1);
  }

  #isAnybodyIn(now: number): boolean {
    for (let tick = this.#firstTick(now); tick <= now; tick++) {
      if (this.#slots[tick % this.#slots.length]?.isPlaced === true) return true;
    }
    return false;
  }

  /** Works on a list of its own: what callbacks add is for later, and what they cancel leaves that list too. */
  #expire(head: Entry, now: number): void {
    if (!head.isPlaced) return;
    const looking = new Entry(this, head.callback);
    looking.linkBefore(head);
    head.unlink();
    while (looking.isPlaced) {
      const entry = looking.next;
      if (entry.dueTick <= now) {
        this.remove(entry);
        entry.callback();
      } else {
        entry.unlink();
        this.#link(entry);
      }
    }
  }

  #elapsedMs(): number {
    return this.#clock.monotonicUs() / 1000 - this.#startMs;
  }
}

class Entry implements WheelTimer {
  readonly #wheel: TimerWheel;
  readonly callback: () => void;
  dueTick: number;
  previous: Entry;
  next: Entry;

  constructor(wheel: TimerWheel, callback: () => void) {
    this.#wheel = wheel;
    this.callback = callback;
    this.dueTick = 0;
    this.previous = this;
    this.next = this;
  }

  get isPlaced(): boolean {
    return this.next !== this;
  }

  cancel(): void {
    if (this.isPlaced) this.#wheel.remove(this);
  }

  reschedule(delayMs: number): void {
    this.#wheel.place(this, delayMs);
  }

  linkBefore(head: Entry): void {
    this.previous = head.previous;
    this.next = head;
    head.previous.next = this;
    head.previous = this;
  }

  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.previous = this;
    this.next = this;
  }
}
