/**
 * What a session sends: frames, header compression, whose turn it is, and the connection's back-pressure. After `stop`
 * nothing goes out any more.
 */
import type { AbuseGuard } from "./abuse-guard.ts";
import type { Http2ErrorCode } from "./error-code.ts";
import { frameHeaderBytes } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { HeaderFields } from "./header-fields.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import type { SendBuffer } from "./send-buffer.ts";
import { SendScheduler } from "./send-scheduler.ts";
import type { Settings } from "./settings.ts";
import type { Transport } from "./transport.ts";

/** The connection gathers what is smaller than 16 KiB; the rest costs a system call for head and data each. */
const largestGatheredBytes = 16 * 1024 - 1;

export interface SessionOutputOptions {
  readonly guard: AbuseGuard;
  readonly maxControlBacklogBytes: number;
  /** The peer provokes answers and does not read them. */
  onFlooded(): void;
}

export class SessionOutput {
  readonly scheduler = new SendScheduler();
  /** The most that one DATA frame carries. */
  maxDataBytes: number = largestGatheredBytes;
  readonly #transport: Transport;
  readonly #options: SessionOutputOptions;
  readonly #writer: FrameWriter;
  readonly #encoder = new HpackEncoder();
  #controlBacklogBytes = 0;
  #isStopped = false;

  constructor(transport: Transport, options: SessionOutputOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#writer = new FrameWriter(transport);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** What the peer's SETTINGS say about frames and header compression. */
  apply(peer: Settings): void {
    this.#writer.maxFrameBytes = peer.maxFrameBytes;
    this.maxDataBytes = Math.min(peer.maxFrameBytes, largestGatheredBytes);
    this.#encoder.setPeerTableBytes(peer.headerTableBytes);
  }

  /** The connection takes bytes again. */
  drained(): void {
    this.#controlBacklogBytes = 0;
    this.scheduler.unblock();
  }

  // ---- streams ------------------------------------------------------------------------------

  head(streamId: number, fields: HeaderFields, isEnd: boolean): void {
    if (this.#isStopped) return;
    if (!this.#writer.headers(streamId, fields, this.#encoder, isEnd)) this.scheduler.block();
  }

  /** How many bytes of DATA may go out at once, past nobody who waits; then `dataNow` must follow. */
  get allowance(): number {
    return this.#isStopped ? 0 : this.scheduler.allowance;
  }

  dataNow(streamId: number, chunk: Uint8Array, isEnd: boolean): void {
    this.scheduler.spent(chunk.length);
    this.#options.guard.refundForData();
    this.#writer.dataHead(streamId, chunk.length, isEnd);
    if (!this.#transport.write(chunk)) this.scheduler.block();
  }

  /** In the stream's turn: the scheduler accounts for it. */
  dataFrom(streamId: number, buffer: SendBuffer, length: number, isEnd: boolean): void {
    if (this.#isStopped) return;
    this.#options.guard.refundForData();
    this.#writer.dataHead(streamId, length, isEnd);
    if (!buffer.writeTo(this.#transport, length)) this.scheduler.block();
  }

  endOfStream(streamId: number): void {
    if (this.#isStopped) return;
    if (!this.#writer.dataHead(streamId, 0, true)) this.scheduler.block();
  }

  // ---- control ------------------------------------------------------------------------------

  reset(streamId: number, code: Http2ErrorCode): void {
    if (!this.#isStopped) this.#control(this.#writer.reset(streamId, code), 4);
  }

  windowUpdate(streamId: number, increment: number): void {
    if (!this.#isStopped) this.#control(this.#writer.windowUpdate(streamId, increment), 4);
  }

  settings(payload: Uint8Array): void {
    this.#writer.settings(payload);
  }

  settingsAck(): void {
    this.#control(this.#writer.settingsAck(), 0);
  }

  /** Eight bytes of `data` from `start` on. */
  ping(data: Uint8Array, start: number, isAck: boolean): void {
    this.#control(this.#writer.ping(data, start, isAck), 8);
  }

  goaway(lastStreamId: number, code: Http2ErrorCode): void {
    this.#writer.goaway(lastStreamId, code);
  }

  /** Remembers back-pressure; answers that pile up behind it end the connection. */
  #control(isWritable: boolean, payloadBytes: number): void {
    if (isWritable) return;
    this.scheduler.block();
    this.#controlBacklogBytes += frameHeaderBytes + payloadBytes;
    if (this.#controlBacklogBytes > this.#options.maxControlBacklogBytes) this.#options.onFlooded();
  }
}
