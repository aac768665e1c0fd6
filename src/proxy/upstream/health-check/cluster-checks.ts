/** The checks of one cluster's endpoints: begun and ended with the endpoints, changed with the policy. */
import type { Clock } from "../../../kernel/index.ts";
import { Health } from "../../../model/index.ts";
import type { UpstreamEndpoint } from "../endpoint.ts";
import { EndpointChecker, type Prober } from "./endpoint-checker.ts";
import type { ProbeSlots } from "./probe-slots.ts";
import type { HealthCheckSettings } from "./settings.ts";

export interface HealthListener {
  onProbed(isPassed: boolean): void;
  /** `failure`: of the check that decided it. */
  onHealthChanged(endpoint: UpstreamEndpoint, isHealthy: boolean, failure: string): void;
}

export interface ClusterChecksOptions {
  readonly slots: ProbeSlots;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly listener: HealthListener;
  readonly prober: (endpoint: UpstreamEndpoint) => Prober;
}

export class ClusterChecks {
  readonly #options: ClusterChecksOptions;
  readonly #checkers = new Map<UpstreamEndpoint, EndpointChecker>();

  constructor(options: ClusterChecksOptions) {
    this.#options = options;
  }

  follow(members: readonly UpstreamEndpoint[], settings: HealthCheckSettings): void {
    // One that leaves gets no new requests, whatever its checks would say.
    const checked = new Set(members.filter((member) => member.endpoint.health !== Health.DRAINING));
    for (const [endpoint, checker] of this.#checkers) {
      if (checked.has(endpoint)) continue;
      checker.stop();
      this.#checkers.delete(endpoint);
    }
    for (const endpoint of checked) {
      const known = this.#checkers.get(endpoint);
      if (known === undefined) this.#checkers.set(endpoint, this.#begin(endpoint, settings));
      else known.settings = settings;
    }
  }

  /** What was found is forgotten. */
  stop(): void {
    for (const [endpoint, checker] of this.#checkers) {
      checker.stop();
      endpoint.isProbedUnhealthy = false;
    }
    this.#checkers.clear();
  }

  #begin(endpoint: UpstreamEndpoint, settings: HealthCheckSettings): EndpointChecker {
    const { slots, clock, random, listener, prober } = this.#options;
    return new EndpointChecker(settings, {
      prober: prober(endpoint),
      slots,
      clock,
      random,
      onProbed: (failure) => listener.onProbed(failure === undefined),
      onChanged: (isHealthy, failure) => {
        endpoint.isProbedUnhealthy = !isHealthy;
        listener.onHealthChanged(endpoint, isHealthy, failure);
      },
    });
  }
}
