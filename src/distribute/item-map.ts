/** A map keyed by resource name. Two levels, so that the keys of all subscribers stay shared strings. */
import type { ResourceKind, ResourceName } from "./resource-source.ts";

/**
 * Up to here a table is two lists. A proxy has a dozen tables of some twenty names, where a Map takes 2 KB each and two lists
 * 0.5 KB (measured), and a list of this length is looked through in less than 0.2 µs.
 */
const maxListed = 32;

/** Of each kind's table: a look-up among the kinds by text took longer than the one in the table. */
const places: Readonly<Record<ResourceKind, number>> = {
  Mesh: 0,
  Inbound: 1,
  Outbound: 2,
  Name: 3,
  Address: 4,
  Cluster: 5,
  Endpoint: 6,
  Gateway: 7,
  Certificate: 8,
};
/** In the order of their places. */
const kinds: readonly ResourceKind[] = [
  ...(["Mesh", "Inbound", "Outbound", "Name", "Address"] as const),
  ...(["Cluster", "Endpoint", "Gateway", "Certificate"] as const),
];

export class ItemMap<V> {
  /** By place, none of them empty; as long as the last that there ever was. */
  readonly #tables: (Table<V> | undefined)[] = [];

  get size(): number {
    let size = 0;
    for (const table of this.#tables) size += table?.size ?? 0;
    return size;
  }

  count(kind: ResourceKind): number {
    return this.#tables[places[kind]]?.size ?? 0;
  }

  get(kind: ResourceKind, key: string): V | undefined {
    return this.#tables[places[kind]]?.get(key);
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.#tables[places[kind]]?.has(key) ?? false;
  }

  set(kind: ResourceKind, key: string, value: V): void {
    const place = places[kind];
    let table = this.#tables[place];
    if (table === undefined) {
      // No holes: an array with holes is looked through in its prototypes too.
      while (this.#tables.length < place) this.#tables.push(undefined);
      table = new Table();
      this.#tables[place] = table;
    }
    table.set(key, value);
  }

  delete(kind: ResourceKind, key: string): boolean {
    const place = places[kind];
    const table = this.#tables[place];
    if (table === undefined || !table.delete(key)) return false;
    // An emptied table of many has room for many.
    if (table.size === 0) this.#tables[place] = undefined;
    return true;
  }

  clear(): void {
    this.#tables.length = 0;
  }

  /** Not to be changed meanwhile. */
  keys(kind: ResourceKind): Iterable<string> {
    return this.#tables[places[kind]]?.keys() ?? [];
  }

  /** Not to be changed meanwhile. */
  *names(): Iterable<ResourceName> {
    for (const [place, table] of this.#tables.entries()) {
      const kind = kinds[place];
      if (table === undefined || kind === undefined) continue;
      for (const key of table.keys()) yield { kind, key };
    }
  }

  *allValues(): Iterable<V> {
    for (const table of this.#tables) if (table !== undefined) yield* table.values();
  }
}

/** In no order that anybody may count on. */
class Table<V> {
  #keys: string[] = [];
  #values: V[] = [];
  /** In their place, once there are many; it stays. */
  #map: Map<string, V> | undefined = undefined;

  get size(): number {
    return this.#map?.size ?? this.#keys.length;
  }

  get(key: string): V | undefined {
    if (this.#map !== undefined) return this.#map.get(key);
    const index = this.#keys.indexOf(key);
    return index < 0 ? undefined : this.#values[index];
  }

  has(key: string): boolean {
    return this.#map?.has(key) ?? this.#keys.includes(key);
  }

  set(key: string, value: V): void {
    if (this.#map !== undefined) {
      this.#map.set(key, value);
      return;
    }
    const index = this.#keys.indexOf(key);
    if (index >= 0) {
      this.#values[index] = value;
    } else if (this.#keys.length < maxListed) {
      this.#keys.push(key);
      this.#values.push(value);
    } else {
      this.#toMap().set(key, value);
    }
  }

  delete(key: string): boolean {
    if (this.#map !== undefined) return this.#map.delete(key);
    const index = this.#keys.indexOf(key);
    if (index < 0) return false;
    this.#keys.splice(index, 1);
    this.#values.splice(index, 1);
    return true;
  }

  keys(): Iterable<string> {
    return this.#map?.keys() ?? this.#keys;
  }

  values(): Iterable<V> {
    return this.#map?.values() ?? this.#values;
  }

  #toMap(): Map<string, V> {
    const map = new Map<string, V>();
    for (const [index, key] of this.#keys.entries()) {
      const value = this.#values[index];
      if (value !== undefined) map.set(key, value);
    }
    this.#keys = [];
    this.#values = [];
    this.#map = map;
    return map;
  }
}
