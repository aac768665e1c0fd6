/** Which of many prefixes hold an address: one look-up for each length of prefix that there is, whatever their number. */
import type { Prefix } from "./address.ts";

interface Length<T> {
  readonly family: number;
  readonly bits: number;
  readonly values: Map<string, T>;
}

export class PrefixTable<T> {
  /** The longest first. */
  readonly #lengths: Length<T>[] = [];

  set(prefix: Prefix, value: T): void {
    const family = prefix.bytes.length;
    let length = this.#lengths.find((each) => each.family === family && each.bits === prefix.bits);
    if (length === undefined) {
      length = { family, bits: prefix.bits, values: new Map() };
      this.#lengths.push(length);
      this.#lengths.sort((a, b) => b.bits - a.bits);
    }
    length.values.set(keyOf(prefix.bytes, prefix.bits), value);
  }

  get(prefix: Prefix): T | undefined {
    const family = prefix.bytes.length;
    const length = this.#lengths.find((each) => each.family === family && each.bits === prefix.bits);
    return length?.values.get(keyOf(prefix.bytes, prefix.bits));
  }

  delete(prefix: Prefix): void {
    const index = this.#lengths.findIndex(
      (each) => each.family === prefix.bytes.length && each.bits === prefix.bits,
    );
    const length = this.#lengths[index];
    length?.values.delete(keyOf(prefix.bytes, prefix.bits));
    if (length?.values.size === 0) this.#lengths.splice(index, 1);
  }

  /** Of every prefix that holds the address, the longest first. */
  *matches(address: Uint8Array): Generator<T> {
    for (const { family, bits, values } of this.#lengths) {
      if (family !== address.length) continue;
      const value = values.get(keyOf(address, bits));
      if (value !== undefined) yield value;
    }
  }

  has(address: Uint8Array): boolean {
    return this.#lengths.some(
      ({ family, bits, values }) => family === address.length && values.has(keyOf(address, bits)),
    );
  }
}

/** The first `bits` of the address; what follows is masked out. */
function keyOf(address: Uint8Array, bits: number): string {
  const whole = bits >> 3;
  let key = "";
  for (let i = 0; i < whole; i++) key += String.fromCharCode(address[i] ?? 0);
  const rest = bits & 7;
  return rest === 0 ? key : key + String.fromCharCode((address[whole] ?? 0) & (0xff << (8 - rest)) & 0xff);
}
