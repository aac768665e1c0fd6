/**
 * What a port of a service is for clients of all namespaces alike: computed once, however many of them ask, for as long as
 * nothing that it was computed from has changed. There are as many as ports of services that somebody has asked for.
 */
import type { DependencyIndex } from "./dependency-index.ts";
import type { Closure } from "./resource.ts";

export interface SharedOutbound {
  /** By the namespace of the clients that have routes of their own. */
  readonly consumers: ReadonlyMap<string, OutboundContent>;
  readonly others: OutboundContent;
}

/** All but the client's namespace: the fields before and behind it, encoded. */
export interface OutboundContent {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly closure: Closure;
}

const nodePrefix = "shared-outbound ";

export class SharedOutbounds {
  readonly #dependencies: DependencyIndex;
  readonly #known = new Map<string, SharedOutbound>();

  constructor(dependencies: DependencyIndex) {
    this.#dependencies = dependencies;
  }

  /** `compute` adds to `read` what it reads. Undefined, for which anybody may ask, is not kept. */
  get(
    key: string,
    read: Set<string>,
    compute: (read: Set<string>) => SharedOutbound | undefined,
  ): SharedOutbound | undefined {
    const node = `${nodePrefix}${key}`;
    const known = this.#known.get(node);
    if (known !== undefined) {
      for (const fact of this.#dependencies.factsOf(node)) read.add(fact);
      return known;
    }
    const own = new Set<string>();
    try {
      const computed = compute(own);
      if (computed !== undefined) {
        this.#known.set(node, computed);
        this.#dependencies.record(node, own);
      }
      return computed;
    } finally {
      for (const fact of own) read.add(fact);
    }
  }

  /** `nodes`: all that depend on what has changed. */
  forget(nodes: Iterable<string>): void {
    for (const node of nodes) {
      if (!node.startsWith(nodePrefix)) continue;
      this.#known.delete(node);
      this.#dependencies.forget(node);
    }
  }
}
