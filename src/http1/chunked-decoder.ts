/** Chunked transfer coding, RFC 9112 7.1: sizes, extensions and line ends strictly as the grammar has them. */
import { carriageReturn, hexValue, lineFeed } from "./characters.ts";
import { extension, mayEndExtension, nextExtensionState } from "./chunk-extension.ts";
import { fault, incomplete } from "./faults.ts";
import type { Http1Limits } from "./limits.ts";
import { SectionBuffer } from "./section-buffer.ts";
import { TrailerParser } from "./trailers.ts";

/** Leading zeros count: 16 digits are more than any size that passes `maxChunkBytes`. */
const maxSizeDigits = 16;
/** Sizes are exact integers, and 1 TiB in one chunk is nobody's. */
const maxChunkBytes = 2 ** 40;

const state = {
  size: 0,
  extension: 1,
  sizeLineFeed: 2,
  data: 3,
  dataReturn: 4,
  dataLineFeed: 5,
  trailers: 6,
};

export interface ChunkedSink {
  onBody(data: Uint8Array): void;
  onTrailers(lines: Uint8Array): void;
  /** True: stop at once (the sink wants nothing more). */
  readonly isStopped: boolean;
}

export class ChunkedDecoder {
  isDone: boolean;
  readonly #sink: ChunkedSink;
  readonly #limits: Http1Limits;
  #state: number;
  /** Of the chunk: while its line is read, the size so far; then what is left of its data. */
  #size: number;
  #digits: number;
  #extensionState: number;
  #extensionBytes: number;
  #trailers: { readonly parser: TrailerParser; readonly buffer: SectionBuffer } | undefined;

  constructor(sink: ChunkedSink, limits: Http1Limits) {
    this.isDone = false;
    this.#sink = sink;
    this.#limits = limits;
    this.#state = state.size;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionState = extension.after;
    this.#extensionBytes = 0;
    this.#trailers = undefined;
  }

  get bufferedBytes(): number {
    return this.#trailers?.buffer.length ?? 0;
  }

  /** For the next message on the connection. */
  reset(): void {
    this.isDone = false;
    this.#state = state.size;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailers = undefined;
  }

  /** Returns the position after what was taken (`end`, or the body's end: `isDone`), or a fault. */
  decode(chunk: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end && !this.#sink.isStopped) {
      switch (this.#state) {
        case state.size:
          at = this.#readSize(chunk, at, end);
          break;
        case state.extension:
          at = this.#readExtension(chunk, at, end);
          break;
        case state.sizeLineFeed:
          if (chunk[at] !== lineFeed) return fault.bareCarriageReturn;
          at++;
          this.#digits = 0;
          this.#state = this.#size === 0 ? state.trailers : state.data;
          break;
        case state.data: {
          const count = Math.min(end - at, this.#size);
          this.#size -= count;
          if (this.#size === 0) this.#state = state.dataReturn;
          at += count;
          this.#sink.onBody(count === chunk.length ? chunk : chunk.subarray(at - count, at));
          break;
        }
        case state.dataReturn:
          if (chunk[at] !== carriageReturn) return fault.badChunkEnd;
          at++;
          this.#state = state.dataLineFeed;
          break;
        case state.dataLineFeed:
          if (chunk[at] !== lineFeed) return fault.badChunkEnd;
          at++;
          this.#state = state.size;
          break;
        default:
          return this.#readTrailers(chunk, at, end);
      }
      if (at < 0) return at;
    }
    return at;
  }

  #readSize(chunk: Uint8Array, from: number, end: number): number {
    let at = from;
    for (; at < end; at++) {
      const byte = chunk[at] ?? 0;
      const digit = hexValue[byte] ?? 255;
      if (digit === 255) break;
      this.#size = this.#size * 16 + digit;
      if (++this.#digits > maxSizeDigits || this.#size > maxChunkBytes) return fault.chunkTooLarge;
    }
    if (at === end) return at;
    if (this.#digits === 0) return fault.badChunkSize;
    if (chunk[at] === carriageReturn) {
      this.#state = state.sizeLineFeed;
      return at + 1;
    }
    if (chunk[at] === lineFeed) return fault.bareLineFeed;
    if (nextExtensionState(extension.after, chunk[at] ?? 0) < 0) return fault.badChunkSize;
    this.#extensionState = extension.after;
    this.#state = state.extension;
    return at;
  }

  #readExtension(chunk: Uint8Array, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === carriageReturn) {
        if (!mayEndExtension(this.#extensionState)) return fault.badChunkExtension;
        this.#state = state.sizeLineFeed;
        return at + 1;
      }
      if (byte === lineFeed) return fault.bareLineFeed;
      if (++this.#extensionBytes > this.#limits.maxChunkExtensionBytes) return fault.chunkExtensionsTooLarge;
      this.#extensionState = nextExtensionState(this.#extensionState, byte);
      if (this.#extensionState < 0) return fault.badChunkExtension;
    }
    return end;
  }

  #readTrailers(chunk: Uint8Array, at: number, end: number): number {
    let trailers = this.#trailers;
    if (trailers === undefined) {
      const parser = new TrailerParser(this.#limits);
      trailers = { parser, buffer: new SectionBuffer(parser, this.#limits.maxTrailerBytes) };
      this.#trailers = trailers;
    }
    const after = trailers.buffer.push(chunk, at, end);
    if (after === incomplete) return end;
    if (after < 0) return after === fault.headTooLarge ? fault.trailersTooLarge : after;
    this.isDone = true;
    if (trailers.parser.lines.length > 0) this.#sink.onTrailers(trailers.parser.lines);
    return after;
  }
}
