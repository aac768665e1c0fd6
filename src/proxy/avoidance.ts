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
  /** Outlier detection took it out, which has bounds of its own. */
  readonly isEjected: boolean;
}

/** More at once is an outage of everything, and each worker finds that out by itself. */
const maxTold = 1_024;

export class Avoidance {
  readonly #upstreams: Upstreams;
  readonly #clock: Clock;
  /** Until when, as it was last told or taken over. */
  readonly #told = new WeakMap<UpstreamEndpoint, number>();
  readonly #toldEjected = new WeakMap<UpstreamEndpoint, number>();

  constructor(upstreams: Upstreams, clock: Clock) {
    this.#upstreams = upstreams;
    this.#clock = clock;
  }

  /** What began since the last call. */
  fresh(): AvoidedEndpoint[] {
    const nowUs = this.#clock.monotonicUs();
    const fresh: AvoidedEndpoint[] = [];
    const tell = (endpoint: UpstreamEndpoint, untilUs: number, isEjected: boolean): void => {
      const told = isEjected ? this.#toldEjected : this.#told;
      if (untilUs <= nowUs || told.get(endpoint) === untilUs || fresh.length === maxTold) return;
      told.set(endpoint, untilUs);
      const forMs = Math.ceil((untilUs - nowUs) / 1_000);
      fresh.push({ cluster: clusterOf(endpoint), workload: endpoint.workload, forMs, isEjected });
    };
    for (const endpoint of this.#upstreams.endpoints()) {
      tell(endpoint, endpoint.avoidUntilUs, false);
      tell(endpoint, endpoint.ejectedUntilUs, true);
    }
    return fresh;
  }

  /** What another process has found. Endpoints that are not known here are none of ours. */
  adopt(avoided: readonly AvoidedEndpoint[]): void {
    if (avoided.length === 0) return;
    const nowUs = this.#clock.monotonicUs();
    const byName = new Map<string, AvoidedEndpoint>();
    for (const each of avoided) {
      if (each.isEjected) this.#adoptEjection(each, nowUs + each.forMs * 1_000);
      else byName.set(`${each.cluster} ${each.workload}`, each);
    }
    for (const endpoint of this.#upstreams.endpoints()) {
      const found = byName.get(`${clusterOf(endpoint)} ${endpoint.workload}`);
      if (found === undefined) continue;
      const untilUs = nowUs + found.forMs * 1_000;
      if (untilUs <= endpoint.avoidUntilUs) continue;
      endpoint.avoidUntilUs = untilUs;
      this.#told.set(endpoint, untilUs);
    }
  }

  #adoptEjection({ cluster, workload }: AvoidedEndpoint, untilUs: number): void {
    const endpoint = this.#upstreams.adoptEjection(cluster, workload, untilUs);
    if (endpoint !== undefined) this.#toldEjected.set(endpoint, untilUs);
  }
}

function clusterOf(endpoint: UpstreamEndpoint): string {
  return `${endpoint.target.service}:${endpoint.servicePort}`;
}
