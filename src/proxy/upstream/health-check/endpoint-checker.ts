/**
 * Checks one endpoint again and again.
 *
 *   waiting --interval, spread by chance--> queued --slot--> probing --result | timeout--> waiting
 *   any --stop()--> stopped
 */
import type { Clock, Timer } from "../../../kernel/index.ts";
import type { ProbeSlots } from "./probe-slots.ts";
import { ProbedHealth } from "./probed-health.ts";
import type { HealthCheckSettings } from "./settings.ts";

export interface ProbeRun {
  /** `done` is not called any more. */
  cancel(): void;
}

export interface Prober {
  /** Asks the endpoint once; `done` is called once, perhaps before this returns, with what was wrong, if anything. */
  probe(settings: HealthCheckSettings, done: (failure: string | undefined) => void): ProbeRun;
  /** Connections that are kept between probes. */
  close(): void;
}

export interface EndpointCheckerOptions {
  readonly prober: Prober;
  readonly slots: ProbeSlots;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onProbed: (failure: string | undefined) => void;
  /** `failure`: of the check that decided it. */
  readonly onChanged: (isHealthy: boolean, failure: string) => void;
}

/** The first check comes soon, but not all of them at once. */
const firstWithinMs = 1_000;
/** Of the interval, to both sides, so that proxies which started together drift apart. */
const jitter = 0.1;

export class EndpointChecker {
  settings: HealthCheckSettings;
  readonly #options: EndpointCheckerOptions;
  readonly #health = new ProbedHealth();
  #timer: Timer | undefined = undefined;
  #run: ProbeRun | undefined = undefined;
  #isProbing = false;
  #isStopped = false;

  constructor(settings: HealthCheckSettings, options: EndpointCheckerOptions) {
    this.settings = settings;
    this.#options = options;
    this.#schedule(options.random() * Math.min(firstWithinMs, settings.intervalMs));
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#run?.cancel();
    this.#options.slots.cancel(this.#start);
    if (this.#isProbing) this.#options.slots.giveBack();
    this.#options.prober.close();
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => this.#options.slots.take(this.#start));
  }

  readonly #start = (): void => {
    const { clock, prober } = this.#options;
    const { timeoutMs } = this.settings;
    this.#isProbing = true;
    this.#timer = clock.deadline(timeoutMs, () => {
      this.#run?.cancel();
      this.#settle(`no answer within ${timeoutMs} ms`);
    });
    const run = prober.probe(this.settings, (failure) => this.#settle(failure));
    this.#run = this.#isProbing ? run : undefined;
  };

  #settle(failure: string | undefined): void {
    if (!this.#isProbing || this.#isStopped) return;
    this.#isProbing = false;
    this.#run = undefined;
    this.#timer?.cancel();
    const { slots, random, onProbed, onChanged } = this.#options;
    const { intervalMs, thresholds } = this.settings;
    // Before the slot is passed on, whose next holder may take long.
    this.#schedule(intervalMs * (1 - jitter + 2 * jitter * random()));
    slots.giveBack();
    onProbed(failure);
    if (this.#health.observe(failure === undefined, thresholds)) {
      onChanged(this.#health.isHealthy, failure ?? "");
    }
  }
}
