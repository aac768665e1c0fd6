/** Writes frames into a connection. The connection copies, so one small buffer serves all frame heads. */
import { errorCodeNumbers, type Http2ErrorCode } from "./error-code.ts";
import { defaultFrameBytes, frameFlags, frameHeaderBytes, frameTypes } from "./frame.ts";
import type { Transport } from "./transport.ts";

const scratchBytes = 64; // the longest frame written from it: a head and eight bytes

export class FrameWriter {
  readonly #transport: Transport;
  readonly #scratch = new Uint8Array(scratchBytes);
  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  maxFrameBytes: number = defaultFrameBytes;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Only the head: the caller writes `length` bytes of data behind it. */
  dataHead(streamId: number, length: number, isEndOfStream: boolean): boolean {
    this.#head(length, frameTypes.data, isEndOfStream ? frameFlags.endStream : 0, streamId);
    return this.#send(0);
  }

  headers(streamId: number, block: Uint8Array, isEndOfStream: boolean): boolean {
    const endStream = isEndOfStream ? frameFlags.endStream : 0;
    if (block.length <= this.maxFrameBytes) {
      this.#head(block.length, frameTypes.headers, frameFlags.endHeaders | endStream, streamId);
      this.#send(0);
      return this.#transport.write(block);
    }
    this.#head(this.maxFrameBytes, frameTypes.headers, endStream, streamId);
    this.#send(0);
    let isWritable = this.#transport.write(block.subarray(0, this.maxFrameBytes));
    for (let at = this.maxFrameBytes; at < block.length; at += this.maxFrameBytes) {
      const piece = block.subarray(at, at + this.maxFrameBytes);
      const isLast = at + piece.length === block.length;
      this.#head(piece.length, frameTypes.continuation, isLast ? frameFlags.endHeaders : 0, streamId);
      this.#send(0);
      isWritable = this.#transport.write(piece);
    }
    return isWritable;
  }

  reset(streamId: number, code: Http2ErrorCode): boolean {
    this.#head(4, frameTypes.reset, 0, streamId);
    this.#uint32(frameHeaderBytes, errorCodeNumbers[code]);
    return this.#send(4);
  }

  settings(payload: Uint8Array): boolean {
    this.#head(payload.length, frameTypes.settings, 0, 0);
    this.#send(0);
    return this.#transport.write(payload);
  }

  settingsAck(): boolean {
    this.#head(0, frameTypes.settings, frameFlags.ack, 0);
    return this.#send(0);
  }

  /** `data` has eight bytes. */
  ping(data: Uint8Array, isAck: boolean): boolean {
    this.#head(8, frameTypes.ping, isAck ? frameFlags.ack : 0, 0);
    this.#scratch.set(data, frameHeaderBytes);
    return this.#send(8);
  }

  goaway(lastStreamId: number, code: Http2ErrorCode): boolean {
    this.#head(8, frameTypes.goaway, 0, 0);
    this.#uint32(frameHeaderBytes, lastStreamId);
    this.#uint32(frameHeaderBytes + 4, errorCodeNumbers[code]);
    return this.#send(8);
  }

  windowUpdate(streamId: number, increment: number): boolean {
    this.#head(4, frameTypes.windowUpdate, 0, streamId);
    this.#uint32(frameHeaderBytes, increment);
    return this.#send(4);
  }

  #head(length: number, type: number, flags: number, streamId: number): void {
    const b = this.#scratch;
    b[0] = length >>> 16;
    b[1] = length >>> 8;
    b[2] = length;
    b[3] = type;
    b[4] = flags;
    this.#uint32(5, streamId);
  }

  #uint32(at: number, value: number): void {
    const b = this.#scratch;
    b[at] = value >>> 24;
    b[at + 1] = value >>> 16;
    b[at + 2] = value >>> 8;
    b[at + 3] = value;
  }

  #send(payloadBytes: number): boolean {
    return this.#transport.write(this.#scratch.subarray(0, frameHeaderBytes + payloadBytes));
  }
}
