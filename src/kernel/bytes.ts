/**
 * A growable slab of bytes that codecs and connections write into. It owns its memory: `view()` is valid until the
 * next write, `take()` hands the bytes over for good. All integers are written in network order.
 */

/** Enough for most HTTP heads and gRPC frames without growing. */
const defaultCapacity = 1024;

/** Below this many bytes a loop beats the call into native code (measured: 16 bytes 8 ns, any native copy 12 to 60). */
const smallCopyBytes = 16;

const hexDigits = new Uint8Array([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102]);

export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length: number;

  constructor(capacity = defaultCapacity) {
    this.bytes = new Uint8Array(capacity);
    this.length = 0;
  }

  /** Makes room for `count` more bytes; afterwards they may be written to `bytes` from `length` on. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.#grow(this.length + count);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(this.length + 1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  u24(value: number): void {
    this.reserve(3);
    this.bytes[this.length++] = value >>> 16;
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.bytes[this.length++] = value >>> 24;
    this.bytes[this.length++] = value >>> 16;
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  append(source: Uint8Array): void {
    this.appendRange(source, 0, source.length);
  }

  /** Copies `source[start, end)`; the caller vouches that the range lies in `source`. */
  appendRange(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    if (count < smallCopyBytes) {
      const target = this.bytes;
      let to = this.length;
      for (let from = start; from < end; from++) target[to++] = source[from] ?? 0;
    } else if (source instanceof Buffer) {
      source.copy(this.bytes, this.length, start, end); // needs no view of the range: four times as fast as `set`
    } else {
      const isWhole = start === 0 && end === source.length;
      this.bytes.set(isWhole ? source : source.subarray(start, end), this.length);
    }
    this.length += count;
  }

  /** Text whose characters are all below U+0100 (one byte each), such as an HTTP field. */
  latin1(text: string): void {
    const count = text.length;
    this.reserve(count);
    const target = this.bytes;
    let to = this.length;
    for (let i = 0; i < count; i++) target[to++] = text.charCodeAt(i);
    this.length = to;
  }

  utf8(text: string): void {
    this.reserve(text.length * 3);
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
  }

  /** A non-negative integer in decimal. */
  decimal(value: number): void {
    if (value < 10) this.byte(48 + value);
    else this.latin1(String(value));
  }

  /** A non-negative integer in lower-case hexadecimal, without leading zeros. */
  hex(value: number): void {
    if (value > 0xffffffff) {
      this.latin1(value.toString(16));
      return;
    }
    let digits = 1;
    while (digits < 8 && value >>> (4 * digits) !== 0) digits++;
    this.reserve(digits);
    for (let shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
      this.bytes[this.length++] = hexDigits[(value >>> shift) & 15] ?? 0;
    }
  }

  /** What was written so far; valid until the next write, `clear` or `take`. */
  view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** Hands over what was written and starts anew with a fresh slab. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.view();
    this.bytes = new Uint8Array(defaultCapacity);
    this.length = 0;
    return taken;
  }

  /** Forgets what was written, keeps the slab. */
  clear(): void {
    this.length = 0;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2, 64));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

const encoder = new TextEncoder();
