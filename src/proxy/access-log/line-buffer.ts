/**
 * Lines as bytes, gathered until they are written: each value is encoded once, to where it is written from. (Put together by
 * `+` and flattened when it is written, a line took 1.6 times as long.)
 *
 *   begin -> pieces -> commit, or begin again: what was not committed is forgotten
 */
import { isPlain, isPlainCode, jsonText } from "./quote.ts";

const initialBytes = 16_384;
/** A larger slab is of a disk that did not keep up, and is let go when it is empty. */
const keptBytes = 131_072;
/** Of UTF-8, for one UTF-16 unit. */
const maxBytesOfUnit = 3;
/** Below this a loop beats the call into native code (measured: 16 characters 25 ns, any call 27 and more). */
const smallText = 18;
/** Up to here one look at each character, which writes it too, beats an expression that looks at all and a call that writes them. */
const shortText = 64;
const zero = 0x30;

declare global {
  interface Buffer {
    /** As `write(text, offset, "latin1")` without the look at its arguments, which takes as long again. */
    latin1Write(text: string, offset: number): number;
    /** As `toString("latin1", start, end)`. */
    latin1Slice(start: number, end: number): string;
  }
}

export class LineBuffer {
  /** In bytes, of whole lines. */
  length = 0;
  lines = 0;
  #bytes: Buffer;
  #end = 0;

  constructor() {
    this.#bytes = none;
  }

  begin(): this {
    this.#end = this.length;
    return this;
  }

  /** With the line that was begun. */
  get lengthWithLine(): number {
    return this.#end;
  }

  commit(): void {
    this.length = this.#end;
    this.lines++;
  }

  /** Text of ASCII alone, as it stands. */
  ascii(text: string): this {
    const count = text.length;
    let to = this.#end;
    const bytes = this.#withRoom(count);
    if (count < smallText) for (let i = 0; i < count; i++) bytes[to++] = text.charCodeAt(i);
    else bytes.latin1Write(text, to);
    this.#end += count;
    return this;
  }

  /** Text of anybody, as it stands in JSON between quotation marks. */
  json(text: string): this {
    const count = text.length;
    if (count > shortText) return isPlain(text) ? this.ascii(text) : this.utf8(jsonText(text));
    let to = this.#end;
    const bytes = this.#withRoom(count);
    for (let i = 0; i < count; i++) {
      const code = text.charCodeAt(i);
      if (!isPlainCode(code)) return this.utf8(jsonText(text));
      bytes[to++] = code;
    }
    this.#end = to;
    return this;
  }

  /** The same for `source[start, end)` as Latin-1, without making text of it. */
  jsonBytes(source: Buffer, start: number, end: number): this {
    if (end - start > shortText) return this.json(source.latin1Slice(start, end));
    let to = this.#end;
    const bytes = this.#withRoom(end - start);
    for (let from = start; from < end; from++) {
      const code = source[from] ?? 0;
      if (!isPlainCode(code)) return this.utf8(jsonText(source.latin1Slice(start, end)));
      bytes[to++] = code;
    }
    this.#end = to;
    return this;
  }

  /** A whole number. */
  number(value: number): this {
    // oxlint-disable-next-line no-bitwise
    let rest = value | 0;
    if (rest !== value || rest < 0) return this.ascii(String(value));
    let digits = 1;
    for (let limit = 10; digits < 10 && rest >= limit; limit *= 10) digits++;
    const bytes = this.#withRoom(digits);
    this.#end += digits;
    for (let at = this.#end - 1, left = digits; left > 0; left--) {
      const higher = Math.trunc(rest / 10);
      bytes[at--] = zero + rest - higher * 10;
      rest = higher;
    }
    return this;
  }

  utf8(text: string): this {
    this.#end += this.#withRoom(text.length * maxBytesOfUnit).write(text, this.#end);
    return this;
  }

  copy(encoded: Buffer): this {
    encoded.copy(this.#withRoom(encoded.length), this.#end);
    this.#end += encoded.length;
    return this;
  }

  /** Whole lines. Valid until the next `clear`. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    this.lines = 0;
    this.#end = 0;
    if (this.#bytes.length > keptBytes) this.#bytes = none;
  }

  #withRoom(count: number): Buffer {
    const needed = this.#end + count;
    if (needed > this.#bytes.length) this.#grow(needed);
    return this.#bytes;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, initialBytes));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

const none = Buffer.alloc(0);
