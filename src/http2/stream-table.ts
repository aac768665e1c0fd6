/**
 * The open streams of a session by their number: a hash table with linear probing. Numbers go up by two, so a stream
 * nearly always sits where it is looked for first, and opening and closing one costs no allocation.
 */

interface Numbered {
  readonly id: number;
}

const firstLength = 16; // a power of two, as all lengths

export class StreamTable<Stream extends Numbered> {
  #slots: (Stream | undefined)[] = Array<undefined>(firstLength).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Stream | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (id >>> 1) & mask; ; slot = (slot + 1) & mask) {
      const stream = slots[slot];
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** The number must not be there yet. */
  add(stream: Stream): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#put(stream);
    this.#size++;
  }

  delete(id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = (id >>> 1) & mask;
    for (; slots[hole]?.id !== id; hole = (hole + 1) & mask) if (slots[hole] === undefined) return;
    this.#size--;
    // Those behind move up, unless they stand before their own place.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const stream = slots[slot];
      if (stream === undefined) break;
      const home = (stream.id >>> 1) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = stream;
      hole = slot;
    }
    slots[hole] = undefined;
  }

  /** A list of its own: streams may be added and deleted while it is gone through. */
  all(): Stream[] {
    return this.#slots.filter((stream) => stream !== undefined);
  }

  #put(stream: Stream): void {
    const mask = this.#slots.length - 1;
    let slot = (stream.id >>> 1) & mask;
    while (this.#slots[slot] !== undefined) slot = (slot + 1) & mask;
    this.#slots[slot] = stream;
  }

  #grow(): void {
    const streams = this.all();
    this.#slots = Array<undefined>(this.#slots.length * 2).fill(undefined);
    for (const stream of streams) this.#put(stream);
  }
}
