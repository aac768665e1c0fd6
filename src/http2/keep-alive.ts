/** Finds a dead peer: after a silent interval a PING goes out, and if nothing at all is heard in time, that is the end. */
import type { Clock, Timer } from "../kernel/index.ts";

export interface KeepAliveOptions {
  readonly intervalMs: number;
  /** How long after the PING. */
  readonly timeoutMs: number;
}

export interface KeepAliveActions {
  ping(): void;
  dead(): void;
}

export class KeepAlive {
  readonly #clock: Clock;
  readonly #options: KeepAliveOptions;
  readonly #actions: KeepAliveActions;
  #hasHeard = false;
  #timer: Timer;

  constructor(clock: Clock, options: KeepAliveOptions, actions: KeepAliveActions) {
    this.#clock = clock;
    this.#options = options;
    this.#actions = actions;
    this.#timer = clock.after(options.intervalMs, () => this.#check());
  }

  /** Called for everything that arrives: one assignment, no timer is touched. */
  heard(): void {
    this.#hasHeard = true;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #check(): void {
    if (this.#hasHeard) {
      this.#hasHeard = false;
      this.#timer = this.#clock.after(this.#options.intervalMs, () => this.#check());
      return;
    }
    this.#timer = this.#clock.deadline(this.#options.timeoutMs, () => {
      if (this.#hasHeard) this.#check();
      else this.#actions.dead();
    });
    this.#actions.ping();
  }
}
