/**
 * Incremental HTTP/2 frame parser (RFC 9113, sections 4 and 6): `push` bytes as they come, in pieces of any size.
 * DATA is passed through as it arrives; every other frame is gathered first, a header block across its CONTINUATION
 * frames too, but read where it lies when a chunk holds it whole. It checks what a single frame can get wrong; streams
 * and windows are the session's affair. Ranges that it hands out are valid during the call only, save `onDataChunk`'s.
 */
import type { Http2ErrorCode } from "./error-code.ts";
import { clientPreface, defaultFrameBytes, frameFlags, frameHeaderBytes, frameTypes } from "./frame.ts";
import { HeaderBlock } from "./header-block.ts";

/** `bytes[start, end)`. */
export interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export interface FrameSink {
  /** The head of a DATA frame: `flowBytes` count against the windows, padding included. */
  onDataFrame(streamId: number, flowBytes: number): void;
  /** A piece of its data; may be kept. `isLast`: with it the stream's data is complete. */
  onDataChunk(streamId: number, chunk: Uint8Array, isLast: boolean): void;
  onDataEnd(streamId: number, paddingBytes: number, isEndOfStream: boolean): void;
  /** A whole header block. */
  onHeaderBlock(streamId: number, block: ByteRange, isEndOfStream: boolean): void;
  onReset(streamId: number, code: number): void;
  /** `bytes[start, end)` holds six bytes for each setting. */
  onSettings(bytes: Uint8Array, start: number, end: number): void;
  onSettingsAck(): void;
  /** Eight bytes from `start` on. */
  onPing(bytes: Uint8Array, start: number, isAck: boolean): void;
  onGoaway(lastStreamId: number, code: number): void;
  onWindowUpdate(streamId: number, increment: number): void;
  /** PRIORITY and frames of unknown types: nothing to do but to count them. */
  onIgnoredFrame(type: number): void;
  onStreamError(streamId: number, code: Http2ErrorCode, detail: string): void;
  /** Nothing more is parsed. */
  onConnectionError(code: Http2ErrorCode, detail: string): void;
}

export interface FrameParserLimits {
  /** Compressed bytes of one header block, all its frames together. */
  readonly maxHeaderBlockBytes: number;
  /** CONTINUATION frames of one header block. */
  readonly maxContinuations: number;
}

/** What the next byte belongs to. Numbers, because it is asked for each of them. */
const states = { preface: 0, head: 1, payload: 2, padLength: 3, data: 4, padding: 5, stopped: 6 } as const;
type State = (typeof states)[keyof typeof states];

export class FrameParser {
  readonly #sink: FrameSink;
  readonly #limits: FrameParserLimits;
  #state: State;
  #prefaceSeen = 0;
  readonly #head = new Uint8Array(frameHeaderBytes);
  #headSeen = 0;
  // The frame being read.
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #length = 0;
  /** Bytes of the payload (of the data, of the padding) that are still to come. */
  #left = 0;
  #padding = 0;
  #gathered: Uint8Array = emptyBytes;
  #gatheredLength = 0;
  /** Where a header block of one frame lies: one object for all of them. */
  readonly #range = { bytes: emptyBytes, start: 0, end: 0 };
  /** The header block whose CONTINUATION is awaited. */
  #block: HeaderBlock | undefined = undefined;
  #isFirstFrame = true;
  /** Counts frames; a header block counts once. */
  #serial = 0;

  constructor(sink: FrameSink, limits: FrameParserLimits, expectPreface: boolean) {
    this.#sink = sink;
    this.#limits = limits;
    this.#state = expectPreface ? states.preface : states.head;
  }

  /** The stream whose head has begun and is not whole yet; 0: none. */
  get unfinishedHead(): number {
    if (this.#block !== undefined) return this.#block.streamId;
    return this.#state === states.payload && this.#type === frameTypes.headers ? this.#streamId : 0;
  }

  /** Whatever comes later is dropped. */
  stop(): void {
    this.#state = states.stopped;
  }

  /** Which frame is half there, DATA aside: a number that no other frame has; 0 for none. */
  get pending(): number {
    if (this.#block !== undefined || this.#state === states.payload) return this.#serial;
    return this.#state === states.head && this.#headSeen > 0 ? this.#serial + 1 : 0;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    const length = chunk.length;
    while (at < length) {
      switch (this.#state) {
        case states.head:
          at = this.#readHead(chunk, at);
          break;
        case states.payload:
          at = this.#readPayload(chunk, at);
          break;
        case states.data:
          at = this.#readData(chunk, at);
          break;
        case states.padLength:
          this.#beginData(chunk[at++] ?? 0, 1);
          break;
        case states.padding: {
          const taken = Math.min(this.#left, length - at);
          at += taken;
          this.#left -= taken;
          if (this.#left === 0) this.#endData();
          break;
        }
        case states.preface:
          at = this.#readPreface(chunk, at);
          break;
        case states.stopped:
          return;
      }
    }
  }

  #readPreface(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.length && this.#prefaceSeen < clientPreface.length) {
      if (chunk[at++] !== clientPreface[this.#prefaceSeen++]) {
        this.#fail("protocol_error", "the connection does not begin with the HTTP/2 preface");
        return at;
      }
    }
    if (this.#prefaceSeen === clientPreface.length) this.#state = states.head;
    return at;
  }

  #readHead(chunk: Uint8Array, start: number): number {
    if (this.#headSeen === 0 && chunk.length - start >= frameHeaderBytes) {
      this.#beginFrame(chunk, start);
      return start + frameHeaderBytes;
    }
    let at = start;
    while (at < chunk.length && this.#headSeen < frameHeaderBytes)
      this.#head[this.#headSeen++] = chunk[at++] ?? 0;
    if (this.#headSeen === frameHeaderBytes) {
      this.#headSeen = 0;
      this.#beginFrame(this.#head, 0);
    }
    return at;
  }

  #beginFrame(b: Uint8Array, i: number): void {
    const length = ((b[i] ?? 0) << 16) | ((b[i + 1] ?? 0) << 8) | (b[i + 2] ?? 0);
    const type = b[i + 3] ?? 0;
    if (this.#block === undefined) this.#serial++;
    this.#length = length;
    this.#type = type;
    this.#flags = b[i + 4] ?? 0;
    this.#streamId = readUint31(b, i + 5);
    if (this.#isFirstFrame) {
      this.#isFirstFrame = false;
      if (type !== frameTypes.settings || (this.#flags & frameFlags.ack) !== 0) {
        return this.#fail("protocol_error", "the first frame is not SETTINGS"); // RFC 9113, section 3.4
      }
    }
    if (length > defaultFrameBytes) {
      return this.#fail("frame_size_error", `a frame of ${length} bytes is larger than allowed`);
    }
    if (
      this.#block !== undefined &&
      (type !== frameTypes.continuation || this.#streamId !== this.#block.streamId)
    ) {
      return this.#fail("protocol_error", "a header block is interrupted by another frame");
    }
    if (type === frameTypes.data) {
      if (this.#streamId === 0) return this.#fail("protocol_error", "DATA on stream 0");
      if ((this.#flags & frameFlags.padded) === 0) return this.#beginData(0, 0);
      if (length === 0) return this.#fail("frame_size_error", "padded DATA without a pad length");
      this.#state = states.padLength;
      return;
    }
    const problem = this.#checkHead();
    if (problem !== undefined) return this.#fail(problem, `malformed frame of type ${type}`);
    this.#left = length;
    this.#gatheredLength = 0;
    this.#state = states.payload;
    if (length === 0) this.#endPayload(emptyBytes, 0, 0);
  }

  /** Fixed lengths, and which frames belong to a stream (RFC 9113, section 6). */
  #checkHead(): Http2ErrorCode | undefined {
    const hasStream = this.#streamId !== 0;
    switch (this.#type) {
      case frameTypes.headers:
        return hasStream ? undefined : "protocol_error";
      case frameTypes.priority:
        return hasStream ? undefined : "protocol_error";
      case frameTypes.reset:
        if (!hasStream) return "protocol_error";
        return this.#length === 4 ? undefined : "frame_size_error";
      case frameTypes.settings:
        if (hasStream) return "protocol_error";
        if ((this.#flags & frameFlags.ack) !== 0) return this.#length === 0 ? undefined : "frame_size_error";
        return this.#length % 6 === 0 ? undefined : "frame_size_error";
      case frameTypes.pushPromise:
        return "protocol_error"; // push is disabled in our SETTINGS, and no client may send it
      case frameTypes.ping:
        if (hasStream) return "protocol_error";
        return this.#length === 8 ? undefined : "frame_size_error";
      case frameTypes.goaway:
        if (hasStream) return "protocol_error";
        return this.#length >= 8 ? undefined : "frame_size_error";
      case frameTypes.windowUpdate:
        return this.#length === 4 ? undefined : "frame_size_error";
      case frameTypes.continuation:
        return this.#block === undefined ? "protocol_error" : undefined;
      default:
        return undefined;
    }
  }

  #readPayload(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    if (this.#gatheredLength === 0 && taken === this.#left) {
      this.#endPayload(chunk, at, at + taken);
      return at + taken;
    }
    // At most one frame's size, which is bounded; not taken before its first byte has come.
    if (this.#gathered.length < this.#length) this.#gathered = new Uint8Array(Math.max(this.#length, 256));
    this.#gathered.set(chunk.subarray(at, at + taken), this.#gatheredLength);
    this.#gatheredLength += taken;
    this.#left -= taken;
    if (this.#left === 0) this.#endPayload(this.#gathered, 0, this.#gatheredLength);
    return at + taken;
  }

  #endPayload(bytes: Uint8Array, start: number, end: number): void {
    this.#state = states.head;
    switch (this.#type) {
      case frameTypes.headers:
        return this.#endHeaders(bytes, start, end);
      case frameTypes.continuation:
        return this.#endContinuation(bytes, start, end);
      case frameTypes.reset:
        return this.#sink.onReset(this.#streamId, readUint32(bytes, start));
      case frameTypes.settings:
        if ((this.#flags & frameFlags.ack) !== 0) return this.#sink.onSettingsAck();
        return this.#sink.onSettings(bytes, start, end);
      case frameTypes.ping:
        return this.#sink.onPing(bytes, start, (this.#flags & frameFlags.ack) !== 0);
      case frameTypes.goaway:
        return this.#sink.onGoaway(readUint31(bytes, start), readUint32(bytes, start + 4));
      case frameTypes.windowUpdate:
        return this.#endWindowUpdate(readUint31(bytes, start));
      case frameTypes.priority:
        return this.#endPriority(bytes, start, end);
      default:
        return this.#sink.onIgnoredFrame(this.#type);
    }
  }

  #endWindowUpdate(increment: number): void {
    if (increment > 0) return this.#sink.onWindowUpdate(this.#streamId, increment);
    if (this.#streamId === 0) return this.#fail("protocol_error", "WINDOW_UPDATE of 0");
    return this.#sink.onStreamError(this.#streamId, "protocol_error", "WINDOW_UPDATE of 0");
  }

  /** Nothing is done with priorities (RFC 9113, section 5.3), but what RFC 7540 forbade stays an error. */
  #endPriority(bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 5) {
      return this.#sink.onStreamError(this.#streamId, "frame_size_error", "PRIORITY of a wrong length");
    }
    if (readUint31(bytes, start) === this.#streamId) {
      return this.#sink.onStreamError(this.#streamId, "protocol_error", "a stream depends on itself");
    }
    this.#sink.onIgnoredFrame(this.#type);
  }

  #endHeaders(bytes: Uint8Array, payloadStart: number, payloadEnd: number): void {
    let start = payloadStart;
    let end = payloadEnd;
    const flags = this.#flags;
    if ((flags & frameFlags.padded) !== 0) {
      if (start === end) return this.#fail("frame_size_error", "padded HEADERS without a pad length");
      end -= bytes[start++] ?? 0;
    }
    const priorityAt = start;
    if ((flags & frameFlags.priority) !== 0) start += 5;
    if (start > end) return this.#fail("protocol_error", "HEADERS with more padding than payload");
    if (start > priorityAt && readUint31(bytes, priorityAt) === this.#streamId) {
      return this.#fail("protocol_error", "a stream depends on itself");
    }
    const isEndOfStream = (flags & frameFlags.endStream) !== 0;
    if ((flags & frameFlags.endHeaders) !== 0) {
      const range = this.#range;
      range.bytes = bytes;
      range.start = start;
      range.end = end;
      return this.#sink.onHeaderBlock(this.#streamId, range, isEndOfStream);
    }
    this.#block = new HeaderBlock(this.#streamId, isEndOfStream, bytes.subarray(start, end));
  }

  #endContinuation(bytes: Uint8Array, start: number, end: number): void {
    const block = this.#block;
    if (block === undefined) return;
    if (block.continuations === this.#limits.maxContinuations) {
      return this.#fail("enhance_your_calm", "too many CONTINUATION frames in one header block");
    }
    if (block.length + end - start > this.#limits.maxHeaderBlockBytes) {
      return this.#fail("enhance_your_calm", "the header block is larger than the limit");
    }
    block.append(bytes.subarray(start, end));
    if ((this.#flags & frameFlags.endHeaders) === 0) return;
    this.#block = undefined;
    const range = { bytes: block.bytes, start: 0, end: block.length };
    this.#sink.onHeaderBlock(block.streamId, range, block.isEndOfStream);
  }

  #beginData(padding: number, padLengthBytes: number): void {
    if (padding > this.#length - padLengthBytes) {
      return this.#fail("protocol_error", "DATA with more padding than payload");
    }
    this.#padding = padding;
    this.#left = this.#length - padLengthBytes - padding;
    this.#state = states.data;
    this.#sink.onDataFrame(this.#streamId, this.#length);
    if (this.#left === 0 && !this.#isStopped()) this.#beginPadding();
  }

  #readData(chunk: Uint8Array, at: number): number {
    const available = chunk.length - at;
    const taken = this.#left < available ? this.#left : available;
    this.#left -= taken;
    const isWhole = at === 0 && taken === chunk.length;
    const isLast = this.#left === 0 && (this.#flags & frameFlags.endStream) !== 0;
    this.#sink.onDataChunk(this.#streamId, isWhole ? chunk : chunk.subarray(at, at + taken), isLast);
    if (this.#left === 0 && !this.#isStopped()) this.#beginPadding();
    return at + taken;
  }

  #beginPadding(): void {
    this.#left = this.#padding;
    this.#state = states.padding;
    if (this.#left === 0) this.#endData();
  }

  #endData(): void {
    this.#state = states.head;
    const padLengthBytes = (this.#flags & frameFlags.padded) === 0 ? 0 : 1;
    const isEndOfStream = (this.#flags & frameFlags.endStream) !== 0;
    this.#sink.onDataEnd(this.#streamId, this.#padding + padLengthBytes, isEndOfStream);
  }

  #isStopped(): boolean {
    return this.#state === states.stopped;
  }

  #fail(code: Http2ErrorCode, detail: string): void {
    this.#state = states.stopped;
    this.#sink.onConnectionError(code, detail);
  }
}

const emptyBytes: Uint8Array = new Uint8Array(0);

export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

function readUint31(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) & 0x7fff_ffff;
}
