/** Buckets by name, bounded: beyond the bound the one that was unused longest goes. */

interface Entry<T> {
  readonly id: string;
  readonly value: T;
  newer: Entry<T> | undefined;
  older: Entry<T> | undefined;
}

export class BucketTable<T> {
  readonly #max: number;
  readonly #onEvicted: (value: T) => void;
  readonly #entries = new Map<string, Entry<T>>();
  #newest: Entry<T> | undefined = undefined;
  #oldest: Entry<T> | undefined = undefined;

  constructor(max: number, onEvicted: (value: T) => void) {
    this.#max = Math.max(1, max);
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Counts as a use. */
  get(id: string): T | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#linkNewest(entry);
    }
    return entry.value;
  }

  /** Of an id that is not there. */
  add(id: string, value: T): void {
    const oldest = this.#oldest;
    if (this.#entries.size >= this.#max && oldest !== undefined) {
      this.#unlink(oldest);
      this.#entries.delete(oldest.id);
      this.#onEvicted(oldest.value);
    }
    const entry: Entry<T> = { id, value, newer: undefined, older: undefined };
    this.#entries.set(id, entry);
    this.#linkNewest(entry);
  }

  #linkNewest(entry: Entry<T>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
  }

  #unlink(entry: Entry<T>): void {
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
  }
}
