/**
 * HPACK's dynamic table (RFC 7541, sections 2.3.2 and 4): the newest entry first, evicted from the oldest. A ring of
 * names, values and tags (field-tag.ts); each entry also has a number that never changes (its insertion count), which
 * the encoder keeps.
 */
import { fieldOverheadBytes } from "./header-fields.ts";

const firstRingLength = 16; // grows by doubling; 4096 bytes hold at most 128 entries

export class DynamicTable {
  #names: string[] = Array<string>(firstRingLength).fill("");
  #values: string[] = Array<string>(firstRingLength).fill("");
  #tags = new Uint8Array(firstRingLength);
  #inserted = 0;
  #evicted = 0;
  #bytes = 0;
  #maxBytes: number;
  readonly #onEvict: ((name: string, number: number) => void) | undefined;

  constructor(maxBytes: number, onEvict?: (name: string, number: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onEvict = onEvict;
  }

  get length(): number {
    return this.#inserted - this.#evicted;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** How many entries were ever inserted: the number of the newest. */
  get inserted(): number {
    return this.#inserted;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  /** The name of the entry at `offset` (0 is the newest); the caller has checked it against `length`. */
  nameAt(offset: number): string {
    return this.#names[this.#slot(this.#inserted - offset)] ?? "";
  }

  valueAt(offset: number): string {
    return this.#values[this.#slot(this.#inserted - offset)] ?? "";
  }

  tagAt(offset: number): number {
    return this.#tags[this.#slot(this.#inserted - offset)] ?? 0;
  }

  /** The value of an entry by its number; undefined once it was evicted. */
  valueOf(number: number): string | undefined {
    return number > this.#evicted ? this.#values[this.#slot(number)] : undefined;
  }

  /** Returns the new entry's number, or 0 where it is larger than the whole table, which empties it (section 4.4). */
  insert(name: string, value: string, tag: number): number {
    const size = name.length + value.length + fieldOverheadBytes;
    this.#evictTo(this.#maxBytes - size);
    if (size > this.#maxBytes) return 0;
    if (this.length === this.#names.length) this.#grow();
    this.#inserted++;
    const slot = this.#slot(this.#inserted);
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#tags[slot] = tag;
    this.#bytes += size;
    return this.#inserted;
  }

  #evictTo(maxBytes: number): void {
    while (this.#bytes > maxBytes && this.length > 0) {
      this.#evicted++;
      const slot = this.#slot(this.#evicted);
      const name = this.#names[slot] ?? "";
      const value = this.#values[slot] ?? "";
      this.#bytes -= name.length + value.length + fieldOverheadBytes;
      this.#names[slot] = "";
      this.#values[slot] = "";
      this.#onEvict?.(name, this.#evicted);
    }
  }

  #slot(number: number): number {
    return number & (this.#names.length - 1);
  }

  #grow(): void {
    const names = Array<string>(this.#names.length * 2).fill("");
    const values = Array<string>(names.length).fill("");
    const tags = new Uint8Array(names.length);
    for (let number = this.#evicted + 1; number <= this.#inserted; number++) {
      names[number & (names.length - 1)] = this.#names[this.#slot(number)] ?? "";
      values[number & (names.length - 1)] = this.#values[this.#slot(number)] ?? "";
      tags[number & (names.length - 1)] = this.#tags[this.#slot(number)] ?? 0;
    }
    this.#names = names;
    this.#values = values;
    this.#tags = tags;
  }
}
