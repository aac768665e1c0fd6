/**
 * One stream inside its session (RFC 9113, section 5.1). Streams that are idle or closed have no object.
 *
 *   open --our END_STREAM--> half_closed_local --peer's END_STREAM--> closed
 *   open --peer's END_STREAM--> half_closed_remote --our END_STREAM--> closed
 *   any --RST_STREAM either way | connection gone--> closed
 */
import type { Http2ErrorCode } from "./error-code.ts";
import { largestWindowBytes } from "./frame.ts";
import type { HeaderFields } from "./header-fields.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { SendBuffer } from "./send-buffer.ts";
import type { Sender } from "./send-scheduler.ts";
import type { WaitingStream } from "./send-stall.ts";
import type { SessionOutput } from "./session-output.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";

/** What a stream asks of its session. */
export interface StreamHost {
  readonly output: SessionOutput;
  readonly sendQueueBytes: number;
  /** What a new stream may send before the peer gives more, and receive before we do. */
  readonly peerWindowBytes: number;
  readonly streamWindowBytes: number;
  /** Beyond it, from a peer that has not acknowledged our SETTINGS. */
  readonly streamSlackBytes: number;
  /** Bytes of this stream's data were consumed. `streamIncrement` 0: nothing to announce for the stream. */
  credit(streamId: number, bytes: number, streamIncrement: number): void;
  /** Data has to wait: for a window, for the connection, for others. */
  queued(): void;
  closed(stream: SessionStream, outcome: StreamOutcome): void;
}

/** How a stream begins; bits, because there is one stream for each request. */
export const streamTraits = {
  /** The peer's request has no body. */
  remoteClosed: 1,
  /** Our request has none. */
  localClosed: 2,
  /** Client: the answer to HEAD announces a length and sends nothing. */
  headRequest: 4,
  /** CONNECT: DATA is the tunnel's, and HEADERS cannot follow it (RFC 9113, section 8.5). */
  connect: 8,
} as const;

export class SessionStream implements Http2Stream, Sender, WaitingStream {
  readonly id: number;
  sink: StreamSink;
  readonly isHeadRequest: boolean;
  readonly isConnect: boolean;
  /** Client: the final head has come. Server: always. */
  hasHead = false;
  /** CONNECT was answered 2xx: what follows is no message any more. */
  isTunnel = false;
  /** We sent RST_STREAM, so the peer may not know yet that the stream is closed. */
  wasResetHere = false;
  readonly #host: StreamHost;
  #state: "open" | "half_closed_local" | "half_closed_remote" | "closed" = "open";
  /** None before data has to wait, which for most streams never happens. */
  #buffer: SendBuffer | undefined = undefined;
  #sendWindowBytes: number;
  #wantsDrain = false;
  #hasProgressed = false;
  #isEnding = false;
  #trailers: HeaderFields | undefined = undefined;
  #discardsInput = false;
  /** None before data comes. */
  #receiveWindow: ReceiveWindow | undefined = undefined;
  #isPaused = false;
  #heldBytes = 0;
  #hasRemoteEnded = false;
  /** What content-length still promises. */
  #promisedBytes: number | undefined = undefined;

  constructor(id: number, host: StreamHost, sink: StreamSink, traits: number) {
    this.id = id;
    this.sink = sink;
    this.isHeadRequest = (traits & streamTraits.headRequest) !== 0;
    this.isConnect = (traits & streamTraits.connect) !== 0;
    this.#host = host;
    this.#sendWindowBytes = host.peerWindowBytes;
    if ((traits & streamTraits.remoteClosed) !== 0) this.#state = "half_closed_remote";
    else if ((traits & streamTraits.localClosed) !== 0) this.#state = "half_closed_local";
  }

  get queuedBytes(): number {
    return this.#buffer === undefined ? 0 : this.#buffer.bytes;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  get isRemoteClosed(): boolean {
    return this.#state === "half_closed_remote" || this.#state === "closed";
  }

  get #isLocalClosed(): boolean {
    return this.#state === "half_closed_local" || this.#state === "closed";
  }

  // ---- sending ------------------------------------------------------------------------------

  sendHead(fields: HeaderFields, isEnd: boolean): void {
    if (this.#isLocalClosed || this.#isEnding) return;
    this.#host.output.head(this.id, fields, isEnd);
    if (isEnd) this.#closeLocal();
  }

  write(chunk: Uint8Array, isLast = false): boolean {
    if (this.#isLocalClosed || this.#isEnding) return false;
    const sent = this.queuedBytes === 0 ? this.#sendNow(chunk, isLast) : 0;
    if (sent < chunk.length && !this.isClosed) {
      this.#enqueue(sent === 0 ? chunk : chunk.subarray(sent));
      if (this.#sendWindowBytes > 0) this.#host.output.scheduler.schedule(this);
    }
    if (isLast) this.end();
    if (this.queuedBytes <= this.#host.sendQueueBytes) return true;
    this.#wantsDrain = true;
    return false;
  }

  #enqueue(chunk: Uint8Array): void {
    this.#buffer ??= new SendBuffer();
    if (this.#buffer.bytes === 0) {
      this.#hasProgressed = true;
      this.#host.queued();
    }
    this.#buffer.push(chunk);
  }

  /** The way of nearly all data: nobody waits, the windows are open. Returns how much went out. */
  #sendNow(chunk: Uint8Array, isLast: boolean): number {
    const { output } = this.#host;
    let sent = 0;
    while (sent < chunk.length) {
      const left = chunk.length - sent;
      const length = Math.min(left, output.allowance, this.#sendWindowBytes, output.maxDataBytes);
      if (length <= 0) break;
      const isEnd = isLast && length === left;
      this.#sendWindowBytes -= length;
      const piece = length === chunk.length ? chunk : chunk.subarray(sent, sent + length);
      output.dataNow(this.id, piece, isEnd);
      sent += length;
      if (isEnd) this.#closeLocal();
      if (this.isClosed) break;
    }
    return sent;
  }

  end(trailers?: HeaderFields): void {
    if (this.#isLocalClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#trailers = trailers;
    if (this.queuedBytes === 0) this.#finish();
  }

  discardInput(): void {
    this.#discardsInput = true;
    if (this.#state === "half_closed_local") this.reset("no_error");
  }

  reset(code: Http2ErrorCode): void {
    this.fail(code, "");
  }

  takeProgress(): boolean {
    const hasProgressed = this.#hasProgressed;
    this.#hasProgressed = false;
    return hasProgressed;
  }

  get isSendable(): boolean {
    return this.queuedBytes > 0 && this.#sendWindowBytes > 0 && !this.#isLocalClosed;
  }

  sendFrame(maxBytes: number): number {
    const buffer = this.#buffer;
    if (buffer === undefined || !this.isSendable) return 0;
    const queued = buffer.bytes;
    const length = Math.min(queued, maxBytes, this.#sendWindowBytes, this.#host.output.maxDataBytes);
    const isLast = this.#isEnding && this.#trailers === undefined && length === queued;
    this.#hasProgressed = true;
    this.#sendWindowBytes -= length;
    this.#host.output.dataFrom(this.id, buffer, length, isLast);
    if (isLast) this.#closeLocal();
    else if (this.#isEnding && length === queued) this.#finish();
    else if (this.#wantsDrain && buffer.bytes * 2 <= this.#host.sendQueueBytes) {
      this.#wantsDrain = false;
      this.sink.onDrain();
    }
    return length;
  }

  /** WINDOW_UPDATE, or a change of the initial window (which may be negative). False: the window is too large. */
  widenSendWindow(increment: number): boolean {
    if (this.#sendWindowBytes + increment > largestWindowBytes) return false;
    this.#sendWindowBytes += increment;
    if (this.isSendable) this.#host.output.scheduler.schedule(this);
    return true;
  }

  #finish(): void {
    if (this.#trailers === undefined) this.#host.output.endOfStream(this.id);
    else this.#host.output.head(this.id, this.#trailers, true);
    this.#closeLocal();
  }

  #closeLocal(): void {
    if (this.#state === "half_closed_remote") return this.#close({ kind: "done" });
    this.#state = "half_closed_local";
    if (this.#discardsInput) this.reset("no_error");
  }

  // ---- receiving ----------------------------------------------------------------------------

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const held = this.#heldBytes;
    this.#heldBytes = 0;
    if (held > 0) this.#consume(held);
  }

  promiseBytes(count: number | undefined): void {
    this.#promisedBytes = count;
  }

  /** False: the peer ignores the stream's window. */
  receiveFrame(flowBytes: number): boolean {
    return this.#window().receive(flowBytes);
  }

  receiveChunk(chunk: Uint8Array, isLast: boolean): void {
    if (this.#promisedBytes !== undefined) {
      this.#promisedBytes -= chunk.length;
      if (this.#promisedBytes < 0) {
        this.#host.credit(this.id, chunk.length, 0);
        return this.fail("protocol_error", "more data than content-length says");
      }
    }
    // Credit first: the sink may pause, close or reset in answer to the data.
    if (this.#isPaused) this.#heldBytes += chunk.length;
    else this.#consume(chunk.length);
    // Before the length that was promised the end is a fault, which must not be passed on as an end.
    this.sink.onData(chunk, isLast && (this.#promisedBytes ?? 0) === 0);
  }

  receivePadding(bytes: number): void {
    this.#consume(bytes);
  }

  receiveEnd(trailers: HeaderFields | undefined): void {
    if (this.#promisedBytes !== undefined && this.#promisedBytes !== 0) {
      return this.fail("protocol_error", "less data than content-length says");
    }
    this.#hasRemoteEnded = true;
    if (this.#state === "open") this.#state = "half_closed_remote";
    this.sink.onEnd(trailers);
    if (this.#state === "half_closed_local") this.#close({ kind: "done" });
  }

  receiveReset(code: Http2ErrorCode): void {
    this.#close({ kind: "reset", by: "peer", code, detail: "" });
  }

  /** Resets the stream from our side, whoever is to blame. */
  fail(code: Http2ErrorCode, detail: string): void {
    // From inside the sink's onEnd: both sides have ended, there is nothing left to reset.
    if (this.#state === "closed" || (this.#hasRemoteEnded && this.#isLocalClosed)) return;
    this.wasResetHere = true;
    this.#host.output.reset(this.id, code);
    this.#close(code === "no_error" ? { kind: "done" } : { kind: "reset", by: "local", code, detail });
  }

  lose(detail: string, isUnprocessed: boolean): void {
    this.#close({ kind: "lost", detail, isUnprocessed });
  }

  /** A peer that has acknowledged our SETTINGS before its first DATA counts with them. */
  #window(): ReceiveWindow {
    return (this.#receiveWindow ??= new ReceiveWindow(
      this.#host.streamWindowBytes,
      this.#host.streamSlackBytes,
    ));
  }

  #consume(bytes: number): void {
    const increment = this.isRemoteClosed ? 0 : this.#window().consume(bytes);
    this.#host.credit(this.id, bytes, increment);
  }

  #close(outcome: StreamOutcome): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#buffer?.clear();
    if (this.#heldBytes > 0) this.#host.credit(this.id, this.#heldBytes, 0);
    this.#heldBytes = 0;
    this.#host.closed(this, outcome);
    this.sink.onClose(outcome);
  }
}
