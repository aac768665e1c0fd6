/**
 * Lets a head or a trailer section be parsed where it lies when it came in one piece, and gathers it in a bounded
 * buffer when it did not.
 */
import { carriageReturn, lineFeed } from "./characters.ts";
import { incomplete } from "./faults.ts";

export interface SectionParser {
  /** Returns the position after the section, `incomplete`, or a fault. `bytes` may be kept. */
  parseSection(bytes: Buffer, start: number, end: number): number;
}

/** What most heads that come in pieces need. */
const initialBytes = 2 * 1024;

export class SectionBuffer {
  readonly #parser: SectionParser;
  readonly #maxBytes: number;
  #buffer: Buffer | undefined;
  #length: number;

  /** The parser must have an answer other than `incomplete` for `maxBytes` of input. */
  constructor(parser: SectionParser, maxBytes: number) {
    this.#parser = parser;
    this.#maxBytes = maxBytes;
    this.#buffer = undefined;
    this.#length = 0;
  }

  /** Of what is held. */
  get length(): number {
    return this.#length;
  }

  /** Returns the position in `chunk` after the section, `incomplete` (all was taken), or a fault. */
  push(chunk: Uint8Array, at: number, end: number): number {
    if (this.#length === 0) {
      const after = this.#parser.parseSection(asBuffer(chunk), at, end);
      if (after === incomplete) this.#keep(chunk, at, end);
      return after;
    }
    const before = this.#length;
    this.#keep(chunk, at, Math.min(end, at + this.#maxBytes - before));
    if (!this.#mayDecide(before)) return incomplete;
    const buffer = this.#buffer ?? Buffer.alloc(0);
    const after = this.#parser.parseSection(buffer, 0, this.#length);
    if (after === incomplete) return incomplete;
    this.#buffer = undefined; // what was parsed lies in it and may be kept
    this.#length = 0;
    return after < 0 ? after : at + after - before;
  }

  #keep(chunk: Uint8Array, at: number, end: number): void {
    const needed = this.#length + end - at;
    if (this.#buffer === undefined || this.#buffer.length < needed) {
      const larger = Buffer.alloc(Math.max(needed, initialBytes, 2 * (this.#buffer?.length ?? 0)));
      this.#buffer?.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    asBuffer(chunk).copy(this.#buffer, this.#length, at, end);
    this.#length = needed;
  }

  /**
   * Parsing anew for each byte that trickles in would cost the square of the length. Only these can decide: the empty
   * line, a line feed that no carriage return precedes, and the limit.
   */
  #mayDecide(from: number): boolean {
    const buffer = this.#buffer;
    if (buffer === undefined) return false;
    if (this.#length >= this.#maxBytes) return true;
    for (let at = buffer.indexOf(lineFeed, from); at >= 0 && at < this.#length; ) {
      if (buffer[at - 1] !== carriageReturn) return true;
      if (at === 1 || buffer[at - 2] === lineFeed) return true;
      at = buffer.indexOf(lineFeed, at + 1);
    }
    return false;
  }
}

/** The same memory; Bun's chunks are Buffers already. */
function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
