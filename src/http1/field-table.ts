/**
 * Where the fields of one section lie, as numbers: a parser fills its own table over and over, and a head that is complete takes
 * a copy of just its size, because an array for as many fields as there might be costs more than all else of a small head.
 */
import { identifyField } from "./known-fields.ts";

/** Numbers for each field: name start, name length and kind, value start, value end. */
export const stride = 4;
/** Of the second number: the kind (known-fields.ts) lies below the name's length. */
export const kindBits = 4;
export const kindMask = (1 << kindBits) - 1;
/** Fits nearly all heads without growing; a larger one doubles it up to the limit. */
const initialFields = 32;

export class FieldTable {
  count: number;
  /** One bit for each kind that is there. */
  kinds: number;
  #numbers: Int32Array;

  constructor() {
    this.count = 0;
    this.kinds = 0;
    this.#numbers = new Int32Array(initialFields * stride);
  }

  clear(): void {
    this.count = 0;
    this.kinds = 0;
  }

  /** `addValue` follows, unless the line turns out to be malformed. */
  addName(bytes: Uint8Array, start: number, end: number): void {
    const at = this.count * stride;
    if (at === this.#numbers.length) this.#grow();
    const kind = identifyField(bytes, start, end);
    const numbers = this.#numbers;
    numbers[at] = start;
    numbers[at + 1] = ((end - start) << kindBits) | kind;
    this.kinds |= 1 << kind;
  }

  /** Of the name that was added last. */
  addValue(start: number, end: number): void {
    const at = this.count * stride;
    this.#numbers[at + 2] = start;
    this.#numbers[at + 3] = end;
    this.count++;
  }

  copy(): Int32Array {
    const length = this.count * stride;
    const copied = new Int32Array(length);
    const numbers = this.#numbers;
    for (let at = 0; at < length; at++) copied[at] = numbers[at] ?? 0;
    return copied;
  }

  #grow(): void {
    const larger = new Int32Array(this.#numbers.length * 2);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}
