/**
 * Which outputs were computed from which inputs. A *fact* is one input that can change (a service, a route's result,
 * the routes of a parent); a *node* is an output that read facts when it was last computed.
 */
export class DependencyIndex {
  readonly #nodesByFact = new Map<string, Set<string>>();
  readonly #factsByNode = new Map<string, ReadonlySet<string>>();

  /** Replaces what the node was known to have read. */
  record(node: string, facts: ReadonlySet<string>): void {
    this.forget(node);
    this.#factsByNode.set(node, facts);
    for (const fact of facts) {
      const nodes = this.#nodesByFact.get(fact);
      if (nodes === undefined) this.#nodesByFact.set(fact, new Set([node]));
      else nodes.add(node);
    }
  }

  forget(node: string): void {
    for (const fact of this.#factsByNode.get(node) ?? []) {
      const nodes = this.#nodesByFact.get(fact);
      nodes?.delete(node);
      if (nodes?.size === 0) this.#nodesByFact.delete(fact);
    }
    this.#factsByNode.delete(node);
  }

  /** Nodes that read any of the facts. */
  dependants(facts: Iterable<string>): Set<string> {
    const found = new Set<string>();
    for (const fact of facts) for (const node of this.#nodesByFact.get(fact) ?? []) found.add(node);
    return found;
  }
}
