/** The client's end of an HTTP/2 connection: opens streams within what the server allows, and knows when it is to go. */
import { errorCodeName, type Http2ErrorCode } from "./error-code.ts";
import { clientPreface, largestStreamId } from "./frame.ts";
import type { HeaderFields } from "./header-fields.ts";
import { Http2Session } from "./session.ts";
import type { Http2SessionOptions, SessionEnd } from "./session-options.ts";
import { SessionStream, streamTraits } from "./session-stream.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";
import type { Transport } from "./transport.ts";

export interface Http2ClientHandler {
  /** A stream ended or the server changed its limit: `canRequest` may have changed. */
  onCapacity?(): void;
  /** The server takes no new streams (or we drain): open another connection. */
  onDraining?(): void;
  /** Exactly once, last. */
  onClose(end: SessionEnd): void;
}

export class Http2ClientSession extends Http2Session {
  readonly #handler: Http2ClientHandler;
  #nextStreamId = 1;
  #isDraining = false;
  #hasPeerSettings = false;

  constructor(transport: Transport, handler: Http2ClientHandler, options: Http2SessionOptions) {
    super("client", transport, options);
    this.#handler = handler;
    transport.write(clientPreface);
    this.start(false);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Another stream may be opened now. */
  get canRequest(): boolean {
    return !this.#isDraining && !this.isClosed && this.streams.size < this.peer.maxConcurrentStreams;
  }

  /** The server's SETTINGS have come: what it takes is known. */
  get hasPeerSettings(): boolean {
    return this.#hasPeerSettings;
  }

  /** The server takes CONNECT with `:protocol` (RFC 8441). False until its SETTINGS have come. */
  get peerAcceptsExtendedConnect(): boolean {
    return this.peer.acceptsExtendedConnect;
  }

  /** `isEnd`: the request has no body. Undefined where `canRequest` is false. */
  request(fields: HeaderFields, isEnd: boolean, sink: StreamSink): Http2Stream | undefined {
    if (!this.canRequest) return undefined;
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    const method = fields.get(":method");
    let traits = isEnd ? streamTraits.localClosed : 0;
    if (method === "HEAD") traits |= streamTraits.headRequest;
    else if (method === "CONNECT") traits |= streamTraits.connect;
    const stream = new SessionStream(streamId, this, sink, traits);
    this.streams.add(stream);
    this.output.head(streamId, fields, isEnd);
    if (this.#nextStreamId > largestStreamId) this.#startDraining();
    return stream;
  }

  /** Opens no more streams; ends the connection when those in flight are done. */
  drain(): void {
    this.#startDraining();
    this.#closeWhenIdle();
  }

  protected override receiveDrainPing(): void {}

  protected override get lastPeerStreamId(): number {
    return 0; // push is off: the server opens none
  }

  protected override isIdle(streamId: number): boolean {
    return streamId >= this.#nextStreamId || streamId % 2 === 0;
  }

  protected override streamRemoved(_outcome: StreamOutcome): void {
    this.#closeWhenIdle();
    if (!this.isClosed) this.#handler.onCapacity?.();
  }

  protected override ended(end: SessionEnd): void {
    this.#handler.onClose(end);
  }

  override onSettings(bytes: Uint8Array, start: number, end: number): void {
    super.onSettings(bytes, start, end);
    this.#hasPeerSettings = true;
    if (!this.isClosed) this.#handler.onCapacity?.();
  }

  /** What the server will not look at is given back at once; with an error code the connection is about to end. */
  override onGoaway(lastStreamId: number, code: number): void {
    if (!this.chargeControl()) return;
    this.#startDraining();
    const name: Http2ErrorCode = errorCodeName(code);
    for (const stream of this.streams.all()) {
      if (stream.id > lastStreamId) stream.lose(`the server went away (${name})`, true);
    }
    this.#closeWhenIdle();
  }

  protected override receiveHeaders(
    streamId: number,
    fields: HeaderFields | "too_large",
    isEnd: boolean,
  ): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return this.#lateHeaders(streamId);
    if (fields === "too_large")
      return stream.fail("enhance_your_calm", "the response's fields are too large");
    if (stream.isRemoteClosed) return stream.fail("stream_closed", "HEADERS after END_STREAM");
    if (stream.hasHead) return this.#receiveTrailers(stream, fields, isEnd);
    const status = this.check.response();
    if (typeof status === "string") return stream.fail("protocol_error", status);
    if (status < 200) {
      if (isEnd || status === 101) return stream.fail("protocol_error", "malformed informational response");
      // Nothing bounds how many may come but the budget for frames that carry nothing.
      if (this.chargeControl()) stream.sink.onInterim(fields);
      return;
    }
    stream.isTunnel = stream.isConnect && status < 300;
    // In a tunnel's head it means nothing (RFC 9110, section 9.3.6).
    const length = stream.isTunnel ? undefined : this.check.contentLength;
    if (length === "invalid") return stream.fail("protocol_error", "malformed content-length");
    const isBodiless = stream.isHeadRequest || status === 204 || status === 304;
    stream.hasHead = true;
    stream.promiseBytes(isBodiless ? undefined : length);
    stream.sink.onHead(fields, isEnd);
    if (isEnd && !stream.isClosed) stream.receiveEnd(undefined);
  }

  #receiveTrailers(stream: SessionStream, fields: HeaderFields, isEnd: boolean): void {
    if (!isEnd) return stream.fail("protocol_error", "trailers without END_STREAM");
    if (stream.isTunnel) return stream.fail("protocol_error", "HEADERS inside a tunnel");
    const problem = this.check.trailersProblem();
    if (problem !== undefined) return stream.fail("protocol_error", problem);
    stream.receiveEnd(fields);
  }

  #lateHeaders(streamId: number): void {
    if (this.isIdle(streamId))
      return this.fail("protocol_error", "HEADERS on a stream that was never opened");
    if (this.closedStreams.stateOf(streamId) === "ended") {
      return this.fail("stream_closed", "HEADERS on a closed stream");
    }
    this.chargeControl();
  }

  #startDraining(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#handler.onDraining?.();
  }

  #closeWhenIdle(): void {
    if (this.#isDraining && this.streams.size === 0 && !this.isClosed) {
      this.output.goaway(0, "no_error");
      this.finishDrain();
    }
  }
}
