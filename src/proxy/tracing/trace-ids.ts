/**
 * Ids of traces and spans: xorshift128, seeded from the system once, so that an id costs no system call. They are told to
 * everybody on the way of a request, so nothing may rest on their being secret.
 */

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** So many steps it takes from a state of few bits to one of many. */
const warmUp = 64;

export class TraceIds {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Four words. */
  constructor(seed: Uint32Array = crypto.getRandomValues(new Uint32Array(4))) {
    const [a = 0, b = 0, c = 0, d = 0] = seed;
    this.#a = a;
    this.#b = b;
    this.#c = c;
    // All zero would stay so.
    this.#d = d | 1;
    for (let i = 0; i < warmUp; i++) this.#next();
  }

  /** 32 hexadecimal digits, not all of them 0. */
  trace(): string {
    return this.span() + this.span();
  }

  /** 16 hexadecimal digits, not all of them 0. */
  span(): string {
    const high = this.#next();
    // One bit less is random, and no id is the one that means none.
    return digits(high | 1) + digits(this.#next());
  }

  #next(): number {
    let t = this.#d;
    const s = this.#a;
    this.#d = this.#c;
    this.#c = this.#b;
    this.#b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.#a = t ^ s ^ (s >>> 19);
    return this.#a;
  }
}

function digits(word: number): string {
  return (
    (hex[word >>> 24] ?? "") +
    (hex[(word >>> 16) & 0xff] ?? "") +
    (hex[(word >>> 8) & 0xff] ?? "") +
    (hex[word & 0xff] ?? "")
  );
}
