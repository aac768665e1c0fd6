/**
 * Writes frames into a connection: one `write` for each, or two where data follows its head. The connection copies, so
 * all frame writers share one scratch buffer; nothing of it is read again once `write` was called.
 */
import { errorCodeNumbers, type Http2ErrorCode } from "./error-code.ts";
import { defaultFrameBytes, frameFlags, frameHeaderBytes, frameTypes } from "./frame.ts";
import { FrameScratch } from "./frame-scratch.ts";
import type { HeaderFields } from "./header-fields.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";
import type { Transport } from "./transport.ts";

export class FrameWriter {
  /** Holds nobody's bytes between two calls. */
  static readonly #scratch = new FrameScratch();

  readonly #transport: Transport;
  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  maxFrameBytes: number = defaultFrameBytes;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Only the head: the caller writes `length` bytes of data behind it. */
  dataHead(streamId: number, length: number, isEndOfStream: boolean): boolean {
    this.#begin(length, frameTypes.data, isEndOfStream ? frameFlags.endStream : 0, streamId);
    return this.#send();
  }

  headers(streamId: number, fields: HeaderFields, encoder: HpackEncoder, isEndOfStream: boolean): boolean {
    const scratch = FrameWriter.#scratch;
    const endStream = isEndOfStream ? frameFlags.endStream : 0;
    this.#begin(0, frameTypes.headers, frameFlags.endHeaders | endStream, streamId);
    encoder.encode(fields, scratch);
    const length = scratch.length - frameHeaderBytes;
    if (length > this.maxFrameBytes) {
      return this.#continued(streamId, scratch.bytes.slice(frameHeaderBytes, scratch.length), endStream);
    }
    const b = scratch.bytes;
    b[0] = length >>> 16;
    b[1] = length >>> 8;
    b[2] = length;
    return this.#send();
  }

  /** A block that needs several frames. */
  #continued(streamId: number, block: Uint8Array, endStream: number): boolean {
    let isWritable = true;
    for (let at = 0; at < block.length; at += this.maxFrameBytes) {
      const piece = block.subarray(at, at + this.maxFrameBytes);
      const endHeaders = at + piece.length === block.length ? frameFlags.endHeaders : 0;
      if (at === 0) this.#begin(piece.length, frameTypes.headers, endStream, streamId);
      else this.#begin(piece.length, frameTypes.continuation, endHeaders, streamId);
      this.#send();
      isWritable = this.#transport.write(piece);
    }
    return isWritable;
  }

  reset(streamId: number, code: Http2ErrorCode): boolean {
    this.#begin(4, frameTypes.reset, 0, streamId);
    FrameWriter.#scratch.u32(errorCodeNumbers[code]);
    return this.#send();
  }

  settings(payload: Uint8Array): boolean {
    this.#begin(payload.length, frameTypes.settings, 0, 0);
    FrameWriter.#scratch.append(payload);
    return this.#send();
  }

  settingsAck(): boolean {
    this.#begin(0, frameTypes.settings, frameFlags.ack, 0);
    return this.#send();
  }

  /** Eight bytes of `data` from `start` on. */
  ping(data: Uint8Array, start: number, isAck: boolean): boolean {
    this.#begin(8, frameTypes.ping, isAck ? frameFlags.ack : 0, 0);
    FrameWriter.#scratch.appendRange(data, start, start + 8);
    return this.#send();
  }

  goaway(lastStreamId: number, code: Http2ErrorCode): boolean {
    this.#begin(8, frameTypes.goaway, 0, 0);
    FrameWriter.#scratch.u32(lastStreamId);
    FrameWriter.#scratch.u32(errorCodeNumbers[code]);
    return this.#send();
  }

  windowUpdate(streamId: number, increment: number): boolean {
    this.#begin(4, frameTypes.windowUpdate, 0, streamId);
    FrameWriter.#scratch.u32(increment);
    return this.#send();
  }

  #begin(length: number, type: number, flags: number, streamId: number): void {
    const scratch = FrameWriter.#scratch;
    const b = scratch.bytes;
    b[0] = length >>> 16;
    b[1] = length >>> 8;
    b[2] = length;
    b[3] = type;
    b[4] = flags;
    b[5] = streamId >>> 24;
    b[6] = streamId >>> 16;
    b[7] = streamId >>> 8;
    b[8] = streamId;
    scratch.length = frameHeaderBytes;
  }

  #send(): boolean {
    return this.#transport.write(FrameWriter.#scratch.frame());
  }
}
