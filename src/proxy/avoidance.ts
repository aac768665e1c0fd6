/**
 * Endpoints that are avoided because they failed, told between processes that share one configuration. Times are what is left,
 * since each process has a clock of its own.
 */
import type { Clock } from "../kernel/index.ts";
import type { UpstreamEndpoint, Upstreams } from "./upstream/index.ts";

export interface AvoidedEndpoint {
  /** "namespace/service:port" */
  readonly cluster: string;
  readonly workload: string;
  readonly forMs: number;
}

/** More at once is an outage of everything, and each worker finds that out by itself. */
const maxTold = 1_024;

export class Avoidance {
  readonly #upstreams: Upstreams;
  readonly #clock: Clock;
  /** Until when, as it was last told or taken over. */
  readonly #told = new WeakMap<UpstreamEndpoint, number>();

  constructor(upstreams: Upstreams, clock: Clock) {
    this.#upstreams = upstreams;
    this.#clock = clock;
  }

  /** What began since the last call. */
  fresh(): AvoidedEndpoint[] {
    const nowUs = this.#clock.monotonicUs();
    const fresh: AvoidedEndpoint[] = [];
    for (const endpoint of this.#upstreams.endpoints()) {
      const untilUs = endpoint.avoidUntilUs;
      if (untilUs <= nowUs || this.#told.get(endpoint) === untilUs) continue;
      if (fresh.length === maxTold) break;
      this.#told.set(endpoint, untilUs);
      fresh.push({
        cluster: clusterOf(endpoint),
        workload: endpoint.workload,
        forMs: Math.ceil((untilUs - nowUs) / 1_000),
      });
    }
    return fresh;
  }

  /** What another process has found. Endpoints that are not known here are none of ours. */
  adopt(avoided: readonly AvoidedEndpoint[]): void {
    if (avoided.length === 0) return;
    const nowUs = this.#clock.monotonicUs();
    const byName = new Map(avoided.map((each) => [`${each.cluster} ${each.workload}`, each]));
    for (const endpoint of this.#upstreams.endpoints()) {
      const found = byName.get(`${clusterOf(endpoint)} ${endpoint.workload}`);
      if (found === undefined) continue;
      const untilUs = nowUs + found.forMs * 1_000;
      if (untilUs <= endpoint.avoidUntilUs) continue;
      endpoint.avoidUntilUs = untilUs;
      this.#told.set(endpoint, untilUs);
    }
  }
}

function clusterOf(endpoint: UpstreamEndpoint): string {
  return `${endpoint.target.service}:${endpoint.servicePort}`;
}
