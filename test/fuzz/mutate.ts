/** Random numbers from a seed, and bytes changed at random. The same seed makes the same inputs. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 === 0 ? 1 : seed >>> 0;
  }

  /** From 0 to `limit` - 1 (xorshift32). */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}

/** Bytes at which parsers change their mind. */
const edges = [0, 1, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbe, 0xff];

/**
 * One to four changes of `seed[from, …)`: bits, bytes, ranges taken out, doubled or borrowed from `other`. The seed stays as
 * it is, also where it is a Buffer, whose slice shares its memory.
 */
export function mutate(random: Random, seed: Uint8Array, other: Uint8Array, from = 0): Uint8Array {
  let bytes = seed;
  for (let changes = 1 + random.below(4); changes > 0; changes--) bytes = change(random, bytes, other, from);
  return bytes;
}

function change(random: Random, source: Uint8Array, other: Uint8Array, from: number): Uint8Array {
  const length = source.length - from;
  if (length <= 0) return source;
  const at = from + random.below(length);
  const count = 1 + random.below(Math.min(16, source.length - at));
  switch (random.below(7)) {
    case 0: {
      const bytes = new Uint8Array(source);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    }
    case 1: {
      const bytes = new Uint8Array(source);
      bytes[at] = random.below(256);
      return bytes;
    }
    case 2: {
      const bytes = new Uint8Array(source);
      bytes[at] = random.pick(edges);
      return bytes;
    }
    case 3:
      return join(source.subarray(0, at), source.subarray(at + count));
    case 4:
      return join(source.subarray(0, at + count), source.subarray(at));
    case 5: {
      const start = random.below(other.length + 1);
      const borrowed = other.subarray(start, start + 1 + random.below(24));
      return join(source.subarray(0, at), borrowed, source.subarray(at));
    }
    default:
      return source.subarray(0, at);
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
