/** The server's end of an HTTP/2 connection: takes streams, refuses what is too many, drains in two steps. */
import type { ReasonCode, Timer } from "../kernel/index.ts";
import { checkRequest } from "./field-rules.ts";
import { largestStreamId } from "./frame.ts";
import { HeaderFields } from "./header-fields.ts";
import { Http2Session } from "./session.ts";
import type { Http2SessionOptions, SessionEnd } from "./session-options.ts";
import { SessionStream, streamTraits } from "./session-stream.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";
import type { Transport } from "./transport.ts";

export interface Http2ServerHandler {
  /** Must set `stream.sink` before anything else. `isEnd`: the request has no body, and onEnd is not called. */
  onStream(stream: Http2Stream, request: HeaderFields, isEnd: boolean): void;
  /** A request that was answered or reset here, without `onStream`: malformed, or over a limit. */
  onRefused?(reason: ReasonCode, detail: string): void;
  /** Exactly once, last. */
  onClose(end: SessionEnd): void;
}

export interface Http2ServerOptions extends Http2SessionOptions {
  /** Announces that CONNECT may name a `:protocol` (RFC 8441). Otherwise such requests are malformed. */
  readonly acceptsExtendedConnect?: boolean;
  /**
   * The connection was HTTP/1.1 and changed by `Upgrade: h2c` (RFC 7540, section 3.2); the caller has written the 101.
   * The request opens stream 1, whole: `onStream` is called for it from inside the constructor.
   */
  readonly upgraded?: {
    /** HTTP2-Settings, as `decodeUpgradeSettings` gives it. */
    readonly settings: Uint8Array;
    readonly request: HeaderFields;
  };
}

const tooLargeHead = HeaderFields.of([
  [":status", "431"],
  ["content-length", "0"],
]);

export class Http2ServerSession extends Http2Session {
  readonly #handler: Http2ServerHandler;
  readonly #acceptsExtendedConnect: boolean;
  #lastStreamId = 0;
  #drain: "no" | "announced" | "final" = "no";
  #drainTimer: Timer | undefined = undefined;

  constructor(transport: Transport, handler: Http2ServerHandler, options: Http2ServerOptions) {
    super("server", transport, options);
    this.#handler = handler;
    this.#acceptsExtendedConnect = options.acceptsExtendedConnect ?? false;
    this.start(this.#acceptsExtendedConnect);
    if (options.upgraded !== undefined) this.#takeUpgraded(options.upgraded);
  }

  /** The 101 has acknowledged the settings already (RFC 7540, section 3.2.1). */
  #takeUpgraded(upgraded: { readonly settings: Uint8Array; readonly request: HeaderFields }): void {
    if (this.isClosed || !this.applyPeerSettings(upgraded.settings)) return;
    this.#lastStreamId = 1;
    const problem = checkRequest(upgraded.request, false);
    if (problem === undefined) this.#open(1, upgraded.request, streamTraits.remoteClosed, undefined);
    else this.#refuse(1, "protocol_error", "malformed_request", problem);
  }

  /**
   * Takes no new streams, ends the connection when those in flight are done. The first GOAWAY only warns; the second,
   * one round trip later, names the last stream that was taken, so that no request under way is lost (section 6.8).
   */
  drain(): void {
    if (this.#drain !== "no" || this.isClosed) return;
    this.#drain = "announced";
    this.output.goaway(largestStreamId, "no_error");
    this.sendDrainPing();
    this.#drainTimer = this.clock.deadline(this.limits.drainPingTimeoutMs, () => this.receiveDrainPing());
  }

  protected override receiveDrainPing(): void {
    if (this.#drain !== "announced" || this.isClosed) return;
    this.#drain = "final";
    this.#drainTimer?.cancel();
    this.output.goaway(this.#lastStreamId, "no_error");
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
      return this.#refuse(streamId, "refused_stream", "overloaded", "too many streams at once");
    }
    if (fields === "too_large") return this.#refuseTooLarge(streamId, isEnd);
    const length = this.check.contentLength;
    const problem =
      length === "invalid" || (isEnd && length !== undefined && length !== 0)
        ? "content-length is malformed or promises a body that is not there"
        : this.check.requestProblem(this.#acceptsExtendedConnect);
    if (problem !== undefined || length === "invalid") {
      return this.#refuse(streamId, "protocol_error", "malformed_request", problem ?? "");
    }
    const isConnect = this.check.method === "CONNECT";
    const traits = (isEnd ? streamTraits.remoteClosed : 0) | (isConnect ? streamTraits.connect : 0);
    this.#open(streamId, fields, traits, length);
  }

  /** `length`: what content-length promises. */
  #open(streamId: number, fields: HeaderFields, traits: number, length: number | undefined): void {
    const opened = new SessionStream(streamId, this, noSink, traits);
    opened.hasHead = true;
    const isEnd = (traits & streamTraits.remoteClosed) !== 0;
    opened.promiseBytes(traits === 0 ? length : undefined);
    this.streams.add(opened);
    this.#handler.onStream(opened, fields, isEnd);
  }

  #receiveTrailers(stream: SessionStream, fields: HeaderFields | "too_large", isEnd: boolean): void {
    if (stream.isRemoteClosed) return this.faultyStream(stream, "stream_closed", "HEADERS after END_STREAM");
    if (!isEnd) return this.faultyStream(stream, "protocol_error", "trailers without END_STREAM");
    if (stream.isConnect) return this.faultyStream(stream, "protocol_error", "HEADERS inside a tunnel");
    if (fields === "too_large")
      return this.faultyStream(stream, "enhance_your_calm", "trailers are too large");
    const problem = this.check.trailersProblem();
    if (problem !== undefined) return this.faultyStream(stream, "protocol_error", problem);
    stream.receiveEnd(fields);
  }

  #lateHeaders(streamId: number): void {
    const state = this.closedStreams.stateOf(streamId);
    if (state === "reset") return void this.chargeControl();
    const code = state === "ended" ? "stream_closed" : "protocol_error";
    this.fail(code, "HEADERS on a stream that is closed");
  }

  #refuse(
    streamId: number,
    code: "refused_stream" | "protocol_error",
    reason: ReasonCode,
    detail: string,
  ): void {
    this.closedStreams.add(streamId, true);
    this.#handler.onRefused?.(reason, detail);
    if (this.chargeReset()) this.output.reset(streamId, code);
  }

  #refuseTooLarge(streamId: number, isEnd: boolean): void {
    this.closedStreams.add(streamId, !isEnd);
    this.#handler.onRefused?.("headers_too_large", "the request's fields are too large");
    if (!this.chargeReset()) return;
    this.output.head(streamId, tooLargeHead, true);
    if (!isEnd) this.output.reset(streamId, "no_error");
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
