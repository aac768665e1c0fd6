/** A map keyed by resource name. Two levels, so that the keys of all subscribers stay shared strings. */
import type { ResourceKind, ResourceName } from "./resource-source.ts";

export class ItemMap<V> {
  readonly #kinds = new Map<ResourceKind, Map<string, V>>();

  get size(): number {
    let size = 0;
    for (const table of this.#kinds.values()) size += table.size;
    return size;
  }

  get(kind: ResourceKind, key: string): V | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.#kinds.get(kind)?.has(key) ?? false;
  }

  set(kind: ResourceKind, key: string, value: V): void {
    const table = this.#kinds.get(kind);
    if (table !== undefined) {
      table.set(key, value);
      return;
    }
    const first = new Map<string, V>();
    first.set(key, value);
    this.#kinds.set(kind, first);
  }

  delete(kind: ResourceKind, key: string): boolean {
    return this.#kinds.get(kind)?.delete(key) ?? false;
  }

  clear(): void {
    this.#kinds.clear();
  }

  keys(kind: ResourceKind): Iterable<string> {
    return this.#kinds.get(kind)?.keys() ?? [];
  }

  values(kind: ResourceKind): Iterable<V> {
    return this.#kinds.get(kind)?.values() ?? [];
  }

  *names(): Iterable<ResourceName> {
    for (const [kind, table] of this.#kinds) for (const key of table.keys()) yield { kind, key };
  }

  *allValues(): Iterable<V> {
    for (const table of this.#kinds.values()) yield* table.values();
  }
}
