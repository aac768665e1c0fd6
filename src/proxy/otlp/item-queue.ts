/**
 * What waits to be sent: spans, metrics or records, each encoded already, so that what they cost is known to the byte.
 * Bounded in number and in bytes; what comes when it is full is not taken, since older things explain newer ones.
 */

export interface QueueBounds {
  readonly maxItems: number;
  readonly maxBytes: number;
}

export class ItemQueue {
  readonly #bounds: QueueBounds;
  #items: Uint8Array[] = [];
  #byteLength = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#items.length;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** False: there is no room. */
  add(item: Uint8Array): boolean {
    const byteLength = this.#byteLength + item.length;
    if (this.#items.length >= this.#bounds.maxItems || byteLength > this.#bounds.maxBytes) return false;
    this.#items.push(item);
    this.#byteLength = byteLength;
    return true;
  }

  /** The oldest: as many as fit into the bounds, and at least one where there is any. */
  take({ maxItems, maxBytes }: QueueBounds): readonly Uint8Array[] {
    let count = 0;
    let byteLength = 0;
    for (const item of this.#items) {
      if (count > 0 && (count >= maxItems || byteLength + item.length > maxBytes)) break;
      count++;
      byteLength += item.length;
    }
    this.#byteLength -= byteLength;
    return this.#items.splice(0, count);
  }

  /** Returns how many there were. */
  clear(): number {
    const { length } = this.#items;
    this.#items = [];
    this.#byteLength = 0;
    return length;
  }
}
