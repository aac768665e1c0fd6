/**
 * The objects of the files as the compiler wants them, with what a store would add, and what changed since the last reading.
 * What is added follows from the files alone, so that a restart serves exactly what it served before.
 */
import { type ApiObject, keyOf, keyText, type ObjectKey, type Stored, storedOf } from "../api/index.ts";

export interface ObjectChange {
  readonly upserted: readonly Stored[];
  readonly removed: readonly ObjectKey[];
}

export interface Entry {
  readonly written: ApiObject;
  readonly stored: Stored;
}

export class ObjectLedger {
  #entries: ReadonlyMap<string, Entry> = new Map();

  get entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  get(key: ObjectKey): Entry | undefined {
    return this.#entries.get(keyText(key));
  }

  /** As another process had them. */
  restore(entries: readonly Entry[]): void {
    this.#entries = new Map(entries.map((entry) => [keyText(keyOf(entry.written)), entry]));
  }

  /** All objects that there are now. */
  replace(objects: readonly ApiObject[]): ObjectChange {
    const before = this.#entries;
    const entries = new Map<string, Entry>();
    const upserted: Stored[] = [];
    for (const written of objects) {
      const key = keyText(keyOf(written));
      const known = before.get(key);
      if (known !== undefined && Bun.deepEquals(known.written, written)) {
        entries.set(key, known);
        continue;
      }
      const stored = storedOf(written, (known?.stored.metadata.generation ?? 0) + 1);
      entries.set(key, { written, stored });
      upserted.push(stored);
    }
    this.#entries = entries;
    const removed = [...before].flatMap(([key, { stored }]) => (entries.has(key) ? [] : [keyOf(stored)]));
    return { upserted, removed };
  }
}
