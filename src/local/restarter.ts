/**
 * Keeps one process running: starts it again when it ends, after a pause that doubles while it keeps ending early.
 *
 *   idle --start()--> running --(ends)--> pausing --> running …
 *   any --stop()--> stopped
 */
import type { Launched } from "../intercept/index.ts";
import { type Clock, type Log, WeftError } from "../kernel/index.ts";
import { describeExit } from "./describe-exit.ts";

const sigkill = 9;
const sigterm = 15;

/** The first restart is quick, since most crashes are single ones; later ones leave the machine its time. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** A process that ran this long was well: the next pause is the first one again. */
const provenMs = 60_000;

export interface RestarterOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What must be done before each start comes here too. A rejection at the first start is `start`'s own. */
  readonly launch: () => Promise<Launched>;
  /** Settles when the process serves; rejects when it will not. */
  readonly ready?: (launched: Launched) => Promise<void>;
  /** After each end that nobody asked for, before the pause. */
  readonly ended?: () => Promise<void>;
}

export class Restarter {
  readonly #options: RestarterOptions;
  #current: Launched | undefined;
  #isStopping = false;
  #wake: () => void = () => {};
  #loop: Promise<void> = Promise.resolve();

  constructor(options: RestarterOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#current?.pid;
  }

  /** Resolves when the process serves for the first time. Rejects when it could not be started, or was not ready; then it is not restarted. */
  async start(): Promise<void> {
    this.#isStopping = false;
    const launched = await this.#launch();
    this.#loop = this.#keep(launched);
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when it has ended. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#wake();
    if (this.#current !== undefined) await this.#end(this.#current, graceMs);
    await this.#loop;
  }

  kill(): void {
    this.#isStopping = true;
    this.#wake();
    this.#current?.kill(sigkill);
  }

  async #launch(): Promise<Launched> {
    const { launch, ready } = this.#options;
    const launched = await launch();
    this.#current = launched;
    try {
      // A stop that came while the process was being made found nothing to end.
      if (this.#isStopping)
        throw new WeftError("unavailable", `${this.#options.name} was stopped while it started`);
      await ready?.(launched);
    } catch (error) {
      await this.#end(launched, 0);
      throw error;
    }
    return launched;
  }

  async #keep(first: Launched): Promise<void> {
    const { clock, log, name, ended } = this.#options;
    let running: Launched | undefined = first;
    let pauseMs = firstPauseMs;
    while (!this.#isStopping) {
      const startedMs = clock.nowMs();
      if (running !== undefined) {
        const exit = await running.exited;
        this.#current = undefined;
        if (this.#isStopping) break;
        if (clock.nowMs() - startedMs >= provenMs) pauseMs = firstPauseMs;
        log.warn(`${name} ${describeExit(exit)}; starting it again`, { inMs: pauseMs });
        await ended?.();
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      running = await this.#launchAgain();
    }
  }

  async #launchAgain(): Promise<Launched | undefined> {
    if (this.#isStopping) return undefined;
    try {
      return await this.#launch();
    } catch (error) {
      this.#current = undefined;
      if (!this.#isStopping) {
        const message = error instanceof Error ? error.message : String(error);
        this.#options.log.warn(`${this.#options.name} did not start: ${message}`);
      }
      return undefined;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopping) return void resolve();
      const timer = this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  async #end(launched: Launched, graceMs: number): Promise<void> {
    launched.kill(graceMs > 0 ? sigterm : sigkill);
    const timer = this.#options.clock.after(graceMs, () => void launched.kill(sigkill));
    await launched.exited;
    timer.cancel();
    if (this.#current === launched) this.#current = undefined;
  }
}
