/** All live objects in memory, by kind and name. Reads never touch the disk. */
import {
  isOfKind,
  keyText,
  type KindName,
  matchRequirements,
  type ObjectKey,
  type Stored,
  type StoredOfKind,
} from "../api/index.ts";
import type { PlannedChange } from "./plan-writes.ts";
import type { ListSelector } from "./store.ts";

interface Shelf {
  readonly objects: Map<string, Stored>;
  /** By namespace, then name; made again on the first listing after a change. */
  sorted: readonly Stored[] | undefined;
}

export class ObjectIndex {
  readonly #shelves = new Map<KindName, Shelf>();

  get<K extends KindName>(key: ObjectKey & { readonly kind: K }): StoredOfKind<K> | undefined {
    const object = this.#shelves.get(key.kind)?.objects.get(keyText(key));
    return object !== undefined && isOfKind(object, key.kind) ? object : undefined;
  }

  list<K extends KindName>({ kind, namespace, labels }: ListSelector<K>): StoredOfKind<K>[] {
    const items: StoredOfKind<K>[] = [];
    for (const object of this.#sorted(kind)) {
      if (namespace !== undefined && object.metadata.namespace !== namespace) continue;
      if (labels !== undefined && !matchRequirements(labels, object.metadata.labels)) continue;
      if (isOfKind(object, kind)) items.push(object);
    }
    return items;
  }

  *all(): Iterable<Stored> {
    for (const { objects } of this.#shelves.values()) yield* objects.values();
  }

  put(key: ObjectKey, object: Stored): void {
    const shelf = this.#shelf(key.kind);
    shelf.objects.set(keyText(key), object);
    shelf.sorted = undefined;
  }

  apply(change: PlannedChange): void {
    if (change.type !== "deleted") return this.put(change.key, change.object);
    const shelf = this.#shelf(change.key.kind);
    shelf.objects.delete(keyText(change.key));
    shelf.sorted = undefined;
  }

  #sorted(kind: KindName): readonly Stored[] {
    const shelf = this.#shelf(kind);
    shelf.sorted ??= [...shelf.objects.values()].toSorted(
      (a, b) =>
        compare(a.metadata.namespace ?? "", b.metadata.namespace ?? "") ||
        compare(a.metadata.name, b.metadata.name),
    );
    return shelf.sorted;
  }

  #shelf(kind: KindName): Shelf {
    let shelf = this.#shelves.get(kind);
    if (shelf === undefined) {
      shelf = { objects: new Map(), sorted: undefined };
      this.#shelves.set(kind, shelf);
    }
    return shelf;
  }
}

/** By code unit, so that the order is the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
