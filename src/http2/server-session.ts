/** The server's end of an HTTP/2 connection: takes streams, refuses what is too many, drains in two steps. */
import type { Timer } from "../kernel/index.ts";
import { checkRequest, checkTrailers, contentLengthOf } from "./field-rules.ts";
import { largestStreamId } from "./frame.ts";
import { HeaderFields } from "./header-fields.ts";
import { Http2Session, type Http2SessionOptions, type SessionEnd } from "./session.ts";
import { SessionStream } from "./session-stream.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";
import type { Transport } from "./transport.ts";

export interface Http2ServerHandler {
  /** Must set `stream.sink` before anything else. `isEnd`: the request has no body, and onEnd is not called. */
  onStream(stream: Http2Stream, request: HeaderFields, isEnd: boolean): void;
  /** Exactly once, last. */
  onClose(end: SessionEnd): void;
}

const tooLargeHead = HeaderFields.of([
  [":status", "431"],
  ["content-length", "0"],
]);

export class Http2ServerSession extends Http2Session {
  readonly #handler: Http2ServerHandler;
  #lastStreamId = 0;
  #drain: "no" | "announced" | "final" = "no";
  #drainTimer: Timer | undefined = undefined;

  constructor(transport: Transport, handler: Http2ServerHandler, options: Http2SessionOptions) {
    super("server", transport, options);
    this.#handler = handler;
    this.start();
  }

  /**
   * Takes no new streams, ends the connection when those in flight are done. The first GOAWAY only warns; the second,
   * one round trip later, names the last stream that was taken, so that no request under way is lost (section 6.8).
   */
  drain(): void {
    if (this.#drain !== "no" || this.isClosed) return;
    this.#drain = "announced";
    this.writer.goaway(largestStreamId, "no_error");
    this.sendDrainPing();
    this.#drainTimer = this.clock.after(this.limits.drainPingTimeoutMs, () => this.receiveDrainPing());
  }

  protected override receiveDrainPing(): void {
    if (this.#drain !== "announced" || this.isClosed) return;
    this.#drain = "final";
    this.#drainTimer?.cancel();
    this.writer.goaway(this.#lastStreamId, "no_error");
    this.#closeWhenIdle();
  }

  protected override get lastPeerStreamId(): number {
    return this.#lastStreamId;
  }

  protected override isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || (streamId > this.#lastStreamId && this.#drain !== "final");
  }

  protected override streamRemoved(_outcome: StreamOutcome): void {
    this.#closeWhenIdle();
  }

  protected override ended(end: SessionEnd): void {
    this.#drainTimer?.cancel();
    this.#handler.onClose(end);
  }

  /** A client that goes away: nothing to do, for it may still finish what it has begun. */
  override onGoaway(_lastStreamId: number, _code: number): void {
    this.chargeControl();
  }

  protected override receiveHeaders(
    streamId: number,
    fields: HeaderFields | "too_large",
    isEnd: boolean,
  ): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) return this.#receiveTrailers(stream, fields, isEnd);
    if (streamId % 2 === 0)
      return this.fail("protocol_error", "a client opened a stream with an even number");
    if (streamId <= this.#lastStreamId) return this.#lateHeaders(streamId);
    // Streams after the final GOAWAY are not counted as seen, and ignored (section 6.8).
    if (this.#drain === "final") return this.closedStreams.add(streamId, true);
    this.#lastStreamId = streamId;
    if (this.streams.size >= this.limits.maxConcurrentStreams) {
      return this.#refuse(streamId, "refused_stream");
    }
    if (fields === "too_large") return this.#refuseTooLarge(streamId, isEnd);
    const length = contentLengthOf(fields);
    if (
      length === "invalid" ||
      (isEnd && length !== undefined && length !== 0) ||
      checkRequest(fields) !== undefined
    ) {
      return this.#refuse(streamId, "protocol_error");
    }
    const opened = new SessionStream(streamId, this, noSink, {
      sendWindowBytes: this.peer.initialWindowBytes,
      ...this.receiveWindowOptions(),
      isRemoteClosed: isEnd,
      isLocalClosed: false,
      isHeadRequest: false,
    });
    opened.hasHead = true;
    opened.promiseBytes(isEnd ? undefined : length);
    this.streams.set(streamId, opened);
    this.#handler.onStream(opened, fields, isEnd);
  }

  #receiveTrailers(stream: SessionStream, fields: HeaderFields | "too_large", isEnd: boolean): void {
    if (stream.isRemoteClosed) return this.faultyStream(stream, "stream_closed", "HEADERS after END_STREAM");
    if (!isEnd) return this.faultyStream(stream, "protocol_error", "trailers without END_STREAM");
    if (fields === "too_large")
      return this.faultyStream(stream, "enhance_your_calm", "trailers are too large");
    const problem = checkTrailers(fields);
    if (problem !== undefined) return this.faultyStream(stream, "protocol_error", problem);
    stream.receiveEnd(fields);
  }

  #lateHeaders(streamId: number): void {
    const state = this.closedStreams.stateOf(streamId);
    if (state === "reset") return void this.chargeControl();
    const code = state === "ended" ? "stream_closed" : "protocol_error";
    this.fail(code, "HEADERS on a stream that is closed");
  }

  #refuse(streamId: number, code: "refused_stream" | "protocol_error"): void {
    this.closedStreams.add(streamId, true);
    if (this.chargeReset()) this.writeReset(streamId, code);
  }

  #refuseTooLarge(streamId: number, isEnd: boolean): void {
    this.closedStreams.add(streamId, !isEnd);
    if (!this.chargeReset()) return;
    this.writeHead(streamId, tooLargeHead, true);
    if (!isEnd) this.writeReset(streamId, "no_error");
  }

  #closeWhenIdle(): void {
    if (this.#drain === "final" && this.streams.size === 0) this.finishDrain();
  }
}

/** Stands in until the handler has set the real one. */
const noSink: StreamSink = {
  onHead() {},
  onInterim() {},
  onData() {},
  onEnd() {},
  onDrain() {},
  onClose() {},
};
