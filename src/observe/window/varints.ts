/** Whole numbers of up to 53 bits in as few bytes as they need (LEB128, as in protobuf). What is read is ours or checked by the caller. */

const initialBytes = 1_024;

export class VarintWriter {
  #bytes = new Uint8Array(initialBytes);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** `value`: a whole number from 0 to 2^53 - 1. */
  write(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#grow(this.#length + 8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(this.#length + bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.view());
    this.#bytes = grown;
  }
}

export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Throws RangeError where the bytes end within a number, or it has more than 53 bits. */
  read(): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 0x80 && this.at < this.end) {
      this.at++;
      return first;
    }
    return this.#readLong();
  }

  skip(count: number): void {
    for (let i = 0; i < count; i++) this.read();
  }

  #readLong(): number {
    let value = 0;
    let scale = 1;
    while (this.at < this.end) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) break;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new RangeError("not a number of 53 bits");
  }
}
