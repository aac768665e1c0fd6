/**
 * Which outputs were computed from which inputs. A *fact* is one input that can change (a service, a route's result,
 * the routes of a parent); a *node* is an output that read facts when it was last computed. There are as many nodes as
 * resources that somebody has, and what many of them read is the same: those are one *group*, which has the list of its facts once.
 */
import { type CompactSet, removeMember, withMember } from "../kernel/index.ts";

interface Fact {
  readonly name: string;
  readonly number: number;
  groups: CompactSet<Group>;
}

interface Group {
  /** Numbers of its facts, in the order in which they were read. */
  readonly key: string;
  readonly facts: readonly Fact[];
  nodes: CompactSet<string>;
}

export class DependencyIndex {
  readonly #facts = new Map<string, Fact>();
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new Map<string, Group>();
  #lastNumber = 0;

  /** Replaces what the node was known to have read. */
  record(node: string, names: ReadonlySet<string>): void {
    const before = this.#groupOf.get(node);
    if (before !== undefined && hasExactly(before, names)) return;
    const group = this.#groupWith(Array.from(names, (name) => this.#fact(name)));
    group.nodes = withMember(group.nodes, node);
    this.#groupOf.set(node, group);
    if (before !== undefined) this.#leave(before, node);
  }

  forget(node: string): void {
    const group = this.#groupOf.get(node);
    if (group === undefined) return;
    this.#groupOf.delete(node);
    this.#leave(group, node);
  }

  /** What the node is known to have read. */
  *factsOf(node: string): Iterable<string> {
    for (const { name } of this.#groupOf.get(node)?.facts ?? []) yield name;
  }

  /** Nodes that read any of the facts. */
  dependants(names: Iterable<string>): Set<string> {
    const groups = new Set<Group>();
    for (const name of names) for (const group of this.#facts.get(name)?.groups ?? []) groups.add(group);
    const found = new Set<string>();
    for (const { nodes } of groups) for (const node of nodes) found.add(node);
    return found;
  }

  #fact(name: string): Fact {
    const known = this.#facts.get(name);
    if (known !== undefined) return known;
    const fact: Fact = { name, number: ++this.#lastNumber, groups: [] };
    this.#facts.set(name, fact);
    return fact;
  }

  #groupWith(facts: readonly Fact[]): Group {
    const key = facts.map(({ number }) => number).join(" ");
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group: Group = { key, facts, nodes: [] };
    this.#groups.set(key, group);
    for (const fact of facts) fact.groups = withMember(fact.groups, group);
    return group;
  }

  #leave(group: Group, node: string): void {
    if (!removeMember(group.nodes, node)) return;
    this.#groups.delete(group.key);
    for (const fact of group.facts) if (removeMember(fact.groups, group)) this.#facts.delete(fact.name);
  }
}

function hasExactly({ facts }: Group, names: ReadonlySet<string>): boolean {
  return facts.length === names.size && facts.every(({ name }) => names.has(name));
}
