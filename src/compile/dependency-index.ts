/**
 * Which outputs were computed from which inputs. A *fact* is one input that can change (a service, a route's result,
 * the routes of a parent); a *node* is an output that read facts when it was last computed. There are as many nodes as
 * resources that somebody has, so a node keeps a list of the facts themselves and no text of its own.
 */
interface Fact {
  readonly name: string;
  readonly nodes: Set<string>;
}

export class DependencyIndex {
  readonly #facts = new Map<string, Fact>();
  readonly #factsByNode = new Map<string, readonly Fact[]>();

  /** Replaces what the node was known to have read. */
  record(node: string, names: ReadonlySet<string>): void {
    const before = this.#factsByNode.get(node);
    if (before !== undefined && before.length === names.size && before.every(({ name }) => names.has(name)))
      return;
    const facts = Array.from(names, (name) => this.#fact(name));
    for (const fact of facts) fact.nodes.add(node);
    for (const fact of before ?? []) if (!names.has(fact.name)) this.#leave(fact, node);
    this.#factsByNode.set(node, facts);
  }

  forget(node: string): void {
    for (const fact of this.#factsByNode.get(node) ?? []) this.#leave(fact, node);
    this.#factsByNode.delete(node);
  }

  /** Nodes that read any of the facts. */
  dependants(names: Iterable<string>): Set<string> {
    const found = new Set<string>();
    for (const name of names) for (const node of this.#facts.get(name)?.nodes ?? []) found.add(node);
    return found;
  }

  #fact(name: string): Fact {
    const known = this.#facts.get(name);
    if (known !== undefined) return known;
    const fact = { name, nodes: new Set<string>() };
    this.#facts.set(name, fact);
    return fact;
  }

  #leave(fact: Fact, node: string): void {
    fact.nodes.delete(node);
    if (fact.nodes.size === 0) this.#facts.delete(fact.name);
  }
}
