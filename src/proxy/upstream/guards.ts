/** The guards of all clusters of one proxy, and what they share. */
import { ClusterGuard, type ClusterGuardOptions, type GuardListener } from "./cluster-guard.ts";
import { ProbeSlots } from "./health-check/probe-slots.ts";

/** Of one proxy. With the default timeout of 1 s that is at least 32 checks a second of endpoints that are all dead. */
const maxProbes = 32;

type GuardsOptions = Omit<ClusterGuardOptions, "key" | "slots">;

export class Guards {
  readonly #options: GuardsOptions;
  readonly #slots = new ProbeSlots(maxProbes);
  readonly #byCluster = new Map<string, ClusterGuard>();

  constructor(options: GuardsOptions) {
    this.#options = options;
  }

  of(key: string): ClusterGuard {
    const known = this.#byCluster.get(key);
    if (known !== undefined) return known;
    const guard = new ClusterGuard({ ...this.#options, key, slots: this.#slots });
    this.#byCluster.set(key, guard);
    return guard;
  }

  drop(key: string): void {
    this.#byCluster.get(key)?.close();
    this.#byCluster.delete(key);
  }

  sweep(): void {
    for (const guard of this.#byCluster.values()) guard.sweep();
  }

  close(): void {
    for (const key of this.#byCluster.keys()) this.drop(key);
  }
}

const deaf = { onEjected() {}, onEjectionPrevented() {}, onProbed() {}, onHealthChanged() {} };
/** For upstreams that nobody watches. */
export const noGuardListener: GuardListener = { forCluster: () => deaf };
