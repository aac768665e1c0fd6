/**
 * One HTTP/1.1 connection towards an endpoint: it carries one exchange at a time and goes back to its pool in between.
 *
 *   idle --begin()--> busy --response and request complete--> idle
 *                     busy --101 | CONNECT--> tunnel --both ended--> gone
 *   any  --closed, malformed, unsolicited bytes--> gone (never reused)
 */
import {
  type BodyKind,
  encodeLastChunk,
  encodeRequestHead,
  type Http1Limits,
  RequestHead,
  type ResponseHead,
  ResponseParser,
  type ResponseSink,
} from "../../http1/index.ts";
import { ByteWriter, type ReasonCode } from "../../kernel/index.ts";
import type { CloseCause, Connection, ConnectionSink } from "../../net/index.ts";
import {
  encodeAsHttp1Request,
  http1Obstacle,
  http1RequestFraming,
  newWebSocketKey,
  type Trailers,
  trailerLines,
  upgradeOf,
  webSocketAccept,
  writeChunk,
} from "../http/index.ts";
import type { CodecLimitsSource } from "./codec-limits.ts";
import type { UpstreamHandler, UpstreamRequest, UpstreamStream } from "./http-upstream.ts";

/** The pool's side. */
export interface Http1UpstreamOwner {
  onReusable(upstream: Http1Upstream): void;
  onGone(upstream: Http1Upstream): void;
}

export class Http1Upstream implements UpstreamStream, ConnectionSink, ResponseSink {
  /** Where heads are written before a connection copies them; used within one call only. */
  static readonly #scratch = new ByteWriter();

  readonly version = 1;
  readonly connection: Connection;
  isReused = false;
  idleSinceMs = 0;
  /** Requests that it has been given. */
  served = 0;
  endOfLifeMs = Infinity;
  /** Compared with the current one when the connection becomes idle: rotation. */
  readonly identity: object | undefined;
  readonly #owner: Http1UpstreamOwner;
  readonly #codecs: CodecLimitsSource;
  readonly #parser: ResponseParser;
  #handler: UpstreamHandler | undefined;
  #framing: BodyKind = "none";
  #trailers: Uint8Array | undefined;
  #expectedAccept: string | undefined;
  #isGone = false;
  #isRequestComplete = false;
  #isResponseComplete = false;
  #isTunnel = false;
  #keepAlive = false;

  constructor(
    connection: Connection,
    owner: Http1UpstreamOwner,
    options: { readonly identity: object | undefined; readonly codecs: CodecLimitsSource },
  ) {
    this.connection = connection;
    this.identity = options.identity;
    this.#codecs = options.codecs;
    this.#owner = owner;
    this.#parser = new ResponseParser(this, options.codecs.current().http1);
    connection.sink = this;
  }

  begin(handler: UpstreamHandler, request: UpstreamRequest): string | undefined {
    const scratch = Http1Upstream.#scratch;
    scratch.clear();
    const { head } = request;
    if (head instanceof RequestHead) {
      this.#framing = head.body;
      const { lines, isUpgrade: upgrade, rewrite } = request;
      const options = rewrite === undefined ? { lines, upgrade } : { lines, upgrade, ...rewrite };
      encodeRequestHead(scratch, head, request.edits, options);
    } else {
      const obstacle = http1Obstacle(head);
      if (obstacle !== undefined) {
        this.#isRequestComplete = true;
        this.#owner.onReusable(this);
        return obstacle;
      }
      this.#framing = http1RequestFraming(head);
      const protocol = upgradeOf(head);
      const webSocketKey = protocol === "websocket" ? newWebSocketKey() : undefined;
      this.#expectedAccept = webSocketKey === undefined ? undefined : webSocketAccept(webSocketKey);
      const { edits, lines, rewrite } = request;
      const upgrade = protocol === undefined ? undefined : { protocol, webSocketKey };
      encodeAsHttp1Request(scratch, head, { edits, lines, rewrite, framing: this.#framing, upgrade });
    }
    this.served++;
    this.#handler = handler;
    this.#trailers = undefined;
    this.#isResponseComplete = false;
    this.#isRequestComplete = false;
    this.#keepAlive = false;
    const isExtendedConnect = request.isUpgrade && !(head instanceof RequestHead);
    this.#parser.expect(isExtendedConnect ? "GET" : head.method, request.isUpgrade);
    this.connection.write(scratch.view());
    return undefined;
  }

  writeBody(chunk: Uint8Array): boolean {
    if (this.#framing !== "chunked" || this.#isTunnel) return this.connection.give(chunk);
    return writeChunk(this.connection, chunk, Http1Upstream.#scratch);
  }

  writeEnd(trailers: Trailers | undefined): void {
    if (this.#isTunnel) {
      this.connection.shutdown();
      return;
    }
    if (this.#framing === "chunked") {
      const scratch = Http1Upstream.#scratch;
      scratch.clear();
      encodeLastChunk(scratch, trailerLines(trailers));
      this.connection.write(scratch.view());
    }
    this.#isRequestComplete = true;
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  abandon(): void {
    this.#handler = undefined;
    this.#leave();
    this.connection.terminate();
  }

  enterTunnel(): void {
    this.#isTunnel = true;
    this.#leave();
  }

  detach(): Connection {
    this.#handler = undefined;
    this.#leave();
    return this.connection;
  }

  /** Idle and no longer wanted. */
  close(): void {
    this.#handler = undefined;
    this.#leave();
    this.connection.close();
  }

  onData(chunk: Uint8Array): void {
    if (this.#handler === undefined) {
      // Bytes that nobody asked for: whatever they are, the next response could not be trusted.
      this.#leave();
      this.connection.terminate();
      return;
    }
    if (this.#isTunnel) {
      this.#handler.onUpstreamBody(chunk);
      return;
    }
    const consumed = this.#parser.push(chunk);
    if (consumed < chunk.length) this.#onRest(chunk.subarray(consumed));
    if (this.#isResponseComplete) this.#settle();
  }

  onDrain(): void {
    this.#handler?.onUpstreamDrain();
  }

  onEnd(): void {
    if (this.#handler === undefined) {
      this.close();
      return;
    }
    if (this.#isTunnel) {
      this.#handler.onUpstreamEnd(undefined);
      return;
    }
    this.#keepAlive = false;
    this.#parser.end();
    if (this.#isResponseComplete) this.#settle();
    else this.#lose("upstream_reset", "the endpoint closed the connection before its response was complete");
    this.connection.close();
  }

  onClose(cause: CloseCause): void {
    this.#lose("upstream_reset", `the connection to the endpoint ended: ${cause}`);
    this.#leave();
  }

  onInterim(head: ResponseHead): void {
    this.#handler?.onUpstreamInterim(head);
  }

  onHead(head: ResponseHead): void {
    this.#keepAlive = head.keepAlive;
    const expected = this.#expectedAccept;
    this.#expectedAccept = undefined;
    if (expected !== undefined && head.status === 101 && head.get("sec-websocket-accept") !== expected) {
      this.onError("upstream_malformed", "Sec-WebSocket-Accept does not answer the key");
      return;
    }
    this.#handler?.onUpstreamHead(head);
  }

  onBody(chunk: Uint8Array): void {
    this.#handler?.onUpstreamBody(chunk);
  }

  onTrailers(lines: Uint8Array): void {
    this.#trailers = lines.slice();
  }

  onMessageEnd(): void {
    this.#isResponseComplete = !this.#isTunnel;
  }

  onError(reason: ReasonCode, detail: string, limit?: keyof Http1Limits): void {
    if (limit !== undefined) this.#codecs.onReached(limit);
    this.#lose(reason, detail);
    this.#leave();
    this.connection.terminate();
  }

  /** Behind a switch of protocols: the first bytes of the tunnel. Behind a response: something that nobody asked for. */
  #onRest(rest: Uint8Array): void {
    if (this.connection.sink !== this) this.connection.sink.onData(rest);
    else if (this.#isTunnel) this.#handler?.onUpstreamBody(rest);
    else this.#keepAlive = false;
  }

  /**
   * The whole chunk was parsed: only now is it known that nothing follows the response. Back to the pool first, so that
   * a request which the exchange's end lets in finds this connection rather than opening another.
   */
  #settle(): void {
    const handler = this.#handler;
    const trailers = this.#trailers;
    this.#handler = undefined;
    this.#trailers = undefined;
    this.#isResponseComplete = false;
    if (handler === undefined) return;
    if (this.#keepAlive && this.#isRequestComplete && !this.#isGone) {
      this.isReused = true;
      this.connection.resume();
      this.#owner.onReusable(this);
    } else {
      this.close();
    }
    handler.onUpstreamEnd(trailers);
  }

  #lose(reason: ReasonCode, detail: string): void {
    const handler = this.#handler;
    this.#handler = undefined;
    if (handler === undefined) return;
    // Out of the pool before the exchange looks for another connection.
    this.#leave();
    handler.onUpstreamLost(reason, detail, false);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#owner.onGone(this);
  }
}
