/**
 * Incremental HTTP/2 frame parser (RFC 9113, sections 4 and 6): `push` bytes as they come, in pieces of any size.
 * DATA is passed through as it arrives; every other frame is gathered first, a header block across its CONTINUATION
 * frames too. It checks what a single frame can get wrong; streams and windows are the session's affair.
 * Slices that it hands out are valid during the call only, except those of `onDataChunk`.
 */
import type { Http2ErrorCode } from "./error-code.ts";
import { clientPreface, defaultFrameBytes, frameFlags, frameHeaderBytes, frameTypes } from "./frame.ts";

export interface FrameSink {
  /** The head of a DATA frame: `flowBytes` count against the windows, padding included. */
  onDataFrame(streamId: number, flowBytes: number): void;
  /** A piece of its data; may be kept. */
  onDataChunk(streamId: number, chunk: Uint8Array): void;
  onDataEnd(streamId: number, paddingBytes: number, isEndOfStream: boolean): void;
  /** A whole header block. */
  onHeaderBlock(streamId: number, block: Uint8Array, isEndOfStream: boolean): void;
  onReset(streamId: number, code: number): void;
  /** Six bytes for each setting. */
  onSettings(payload: Uint8Array): void;
  onSettingsAck(): void;
  onPing(data: Uint8Array, isAck: boolean): void;
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

type State = "preface" | "head" | "payload" | "padLength" | "data" | "padding" | "stopped";

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
  #gathered: Uint8Array = new Uint8Array(0);
  #gatheredLength = 0;
  // The header block being read; stream 0 means none.
  #blockStream = 0;
  #blockEndsStream = false;
  #blockFrames = 0;
  #block: Uint8Array = new Uint8Array(0);
  #blockLength = 0;
  #isFirstFrame = true;

  constructor(sink: FrameSink, limits: FrameParserLimits, expectPreface: boolean) {
    this.#sink = sink;
    this.#limits = limits;
    this.#state = expectPreface ? "preface" : "head";
  }

  /** The stream whose head has begun and is not whole yet; 0: none. */
  get unfinishedHead(): number {
    if (this.#blockStream !== 0) return this.#blockStream;
    return this.#state === "payload" && this.#type === frameTypes.headers ? this.#streamId : 0;
  }

  /** Whatever comes later is dropped. */
  stop(): void {
    this.#state = "stopped";
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "stopped") {
      switch (this.#state) {
        case "head":
          at = this.#readHead(chunk, at);
          break;
        case "payload":
          at = this.#readPayload(chunk, at);
          break;
        case "data":
          at = this.#readData(chunk, at);
          break;
        case "padLength":
          this.#beginData(chunk[at++] ?? 0, 1);
          break;
        case "padding": {
          const taken = Math.min(this.#left, chunk.length - at);
          at += taken;
          this.#left -= taken;
          if (this.#left === 0) this.#endData();
          break;
        }
        case "preface":
          at = this.#readPreface(chunk, at);
          break;
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
    if (this.#prefaceSeen === clientPreface.length) this.#state = "head";
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
    this.#length = ((b[i] ?? 0) << 16) | ((b[i + 1] ?? 0) << 8) | (b[i + 2] ?? 0);
    this.#type = b[i + 3] ?? 0;
    this.#flags = b[i + 4] ?? 0;
    this.#streamId = readUint31(b, i + 5);
    if (this.#isFirstFrame) {
      this.#isFirstFrame = false;
      if (this.#type !== frameTypes.settings || (this.#flags & frameFlags.ack) !== 0) {
        return this.#fail("protocol_error", "the first frame is not SETTINGS"); // RFC 9113, section 3.4
      }
    }
    if (this.#length > defaultFrameBytes) {
      return this.#fail("frame_size_error", `a frame of ${this.#length} bytes is larger than allowed`);
    }
    if (
      this.#blockStream !== 0 &&
      (this.#type !== frameTypes.continuation || this.#streamId !== this.#blockStream)
    ) {
      return this.#fail("protocol_error", "a header block is interrupted by another frame");
    }
    if (this.#type === frameTypes.data) {
      if (this.#streamId === 0) return this.#fail("protocol_error", "DATA on stream 0");
      if ((this.#flags & frameFlags.padded) === 0) return this.#beginData(0, 0);
      if (this.#length === 0) return this.#fail("frame_size_error", "padded DATA without a pad length");
      this.#state = "padLength";
      return;
    }
    const problem = this.#checkHead();
    if (problem !== undefined) return this.#fail(problem, `malformed frame of type ${this.#type}`);
    this.#left = this.#length;
    this.#gatheredLength = 0;
    this.#state = "payload";
    if (this.#left === 0) this.#endPayload(emptyBytes);
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
        return this.#blockStream === 0 ? "protocol_error" : undefined;
      default:
        return undefined;
    }
  }

  #readPayload(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    if (this.#gatheredLength === 0 && taken === this.#left) {
      this.#endPayload(chunk.subarray(at, at + taken));
      return at + taken;
    }
    // At most one frame's size, which is bounded; not taken before its first byte has come.
    if (this.#gathered.length < this.#length) this.#gathered = new Uint8Array(Math.max(this.#length, 256));
    this.#gathered.set(chunk.subarray(at, at + taken), this.#gatheredLength);
    this.#gatheredLength += taken;
    this.#left -= taken;
    if (this.#left === 0) this.#endPayload(this.#gathered.subarray(0, this.#gatheredLength));
    return at + taken;
  }

  #endPayload(payload: Uint8Array): void {
    this.#state = "head";
    switch (this.#type) {
      case frameTypes.headers:
        return this.#endHeaders(payload);
      case frameTypes.continuation:
        return this.#endContinuation(payload);
      case frameTypes.reset:
        return this.#sink.onReset(this.#streamId, readUint32(payload, 0));
      case frameTypes.settings:
        if ((this.#flags & frameFlags.ack) !== 0) return this.#sink.onSettingsAck();
        return this.#sink.onSettings(payload);
      case frameTypes.ping:
        return this.#sink.onPing(payload, (this.#flags & frameFlags.ack) !== 0);
      case frameTypes.goaway:
        return this.#sink.onGoaway(readUint31(payload, 0), readUint32(payload, 4));
      case frameTypes.windowUpdate:
        return this.#endWindowUpdate(readUint31(payload, 0));
      case frameTypes.priority:
        return this.#endPriority(payload);
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
  #endPriority(payload: Uint8Array): void {
    if (payload.length !== 5) {
      return this.#sink.onStreamError(this.#streamId, "frame_size_error", "PRIORITY of a wrong length");
    }
    if (readUint31(payload, 0) === this.#streamId) {
      return this.#sink.onStreamError(this.#streamId, "protocol_error", "a stream depends on itself");
    }
    this.#sink.onIgnoredFrame(this.#type);
  }

  #endHeaders(payload: Uint8Array): void {
    let start = 0;
    let end = payload.length;
    if ((this.#flags & frameFlags.padded) !== 0) {
      if (end < 1) return this.#fail("frame_size_error", "padded HEADERS without a pad length");
      start = 1;
      end -= payload[0] ?? 0;
    }
    const priorityAt = start;
    if ((this.#flags & frameFlags.priority) !== 0) start += 5;
    if (start > end) return this.#fail("protocol_error", "HEADERS with more padding than payload");
    if (start > priorityAt && readUint31(payload, priorityAt) === this.#streamId) {
      return this.#fail("protocol_error", "a stream depends on itself");
    }
    const block = payload.subarray(start, end);
    const isEndOfStream = (this.#flags & frameFlags.endStream) !== 0;
    if ((this.#flags & frameFlags.endHeaders) !== 0) {
      return this.#sink.onHeaderBlock(this.#streamId, block, isEndOfStream);
    }
    this.#blockStream = this.#streamId;
    this.#blockEndsStream = isEndOfStream;
    this.#blockFrames = 0;
    this.#blockLength = 0;
    this.#append(block);
  }

  #endContinuation(payload: Uint8Array): void {
    if (++this.#blockFrames > this.#limits.maxContinuations) {
      return this.#fail("enhance_your_calm", "too many CONTINUATION frames in one header block");
    }
    if (this.#blockLength + payload.length > this.#limits.maxHeaderBlockBytes) {
      return this.#fail("enhance_your_calm", "the header block is larger than the limit");
    }
    this.#append(payload);
    if ((this.#flags & frameFlags.endHeaders) === 0) return;
    const streamId = this.#blockStream;
    this.#blockStream = 0;
    this.#sink.onHeaderBlock(streamId, this.#block.subarray(0, this.#blockLength), this.#blockEndsStream);
  }

  #append(fragment: Uint8Array): void {
    const needed = this.#blockLength + fragment.length;
    if (needed > this.#block.length) {
      const grown = new Uint8Array(Math.max(needed, this.#block.length * 2));
      grown.set(this.#block.subarray(0, this.#blockLength));
      this.#block = grown;
    }
    this.#block.set(fragment, this.#blockLength);
    this.#blockLength = needed;
  }

  #beginData(padding: number, padLengthBytes: number): void {
    if (padding > this.#length - padLengthBytes) {
      return this.#fail("protocol_error", "DATA with more padding than payload");
    }
    this.#padding = padding;
    this.#left = this.#length - padLengthBytes - padding;
    this.#state = "data";
    this.#sink.onDataFrame(this.#streamId, this.#length);
    if (this.#left === 0 && !this.#isStopped()) this.#beginPadding();
  }

  #readData(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#left -= taken;
    const isWhole = at === 0 && taken === chunk.length;
    this.#sink.onDataChunk(this.#streamId, isWhole ? chunk : chunk.subarray(at, at + taken));
    if (this.#left === 0 && !this.#isStopped()) this.#beginPadding();
    return at + taken;
  }

  #beginPadding(): void {
    this.#left = this.#padding;
    this.#state = "padding";
    if (this.#left === 0) this.#endData();
  }

  #endData(): void {
    this.#state = "head";
    const padLengthBytes = (this.#flags & frameFlags.padded) === 0 ? 0 : 1;
    const isEndOfStream = (this.#flags & frameFlags.endStream) !== 0;
    this.#sink.onDataEnd(this.#streamId, this.#padding + padLengthBytes, isEndOfStream);
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  #fail(code: Http2ErrorCode, detail: string): void {
    this.#state = "stopped";
    this.#sink.onConnectionError(code, detail);
  }
}

const emptyBytes = new Uint8Array(0);

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
