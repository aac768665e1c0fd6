/**
 * One HTTP/1.1 connection towards an endpoint: it carries one exchange at a time and goes back to its pool in between.
 *
 *   idle --begin()--> busy --response and request complete--> idle
 *   any  --closed, malformed, unsolicited bytes--> gone (never reused)
 */
import type { ReasonCode } from "../../kernel/index.ts";
import type { CloseCause, Connection, ConnectionSink } from "../../net/index.ts";
import { type ResponseHead, ResponseParser, type ResponseSink } from "../../http1/index.ts";

/** The exchange's side: what its upstream tells it. After `onUpstreamEnd` or `onUpstreamLost` nothing more comes. */
export interface UpstreamHandler {
  onUpstreamInterim(head: ResponseHead): void;
  onUpstreamHead(head: ResponseHead): void;
  onUpstreamBody(chunk: Uint8Array): void;
  onUpstreamTrailers(lines: Uint8Array): void;
  onUpstreamEnd(): void;
  onUpstreamDrain(): void;
  onUpstreamLost(reason: ReasonCode, detail: string): void;
}

/** The pool's side. */
export interface UpstreamOwner {
  onReusable(upstream: HttpUpstream): void;
  onGone(upstream: HttpUpstream): void;
}

export class HttpUpstream implements ConnectionSink, ResponseSink {
  readonly connection: Connection;
  /** It has carried an exchange before: the peer may have closed it while our request was on its way. */
  isReused = false;
  /** Set by the exchange when the last byte of its request was written. */
  isRequestComplete = false;
  idleSinceMs = 0;
  /** Compared with the current one when the connection becomes idle: rotation. */
  readonly identity: object | undefined;
  readonly #owner: UpstreamOwner;
  readonly #parser: ResponseParser;
  #handler: UpstreamHandler | undefined;
  #isGone = false;
  #isResponseComplete = false;
  #keepAlive = false;

  constructor(connection: Connection, owner: UpstreamOwner, identity: object | undefined) {
    this.connection = connection;
    this.identity = identity;
    this.#owner = owner;
    this.#parser = new ResponseParser(this);
    connection.sink = this;
  }

  begin(handler: UpstreamHandler, method: string, isUpgrade: boolean): void {
    this.#handler = handler;
    this.#isResponseComplete = false;
    this.#keepAlive = false;
    this.isRequestComplete = false;
    this.#parser.expect(method, isUpgrade);
  }

  /** The exchange gives up: what is under way on this connection cannot be undone, so it is reset. */
  abandon(): void {
    this.#handler = undefined;
    this.#leave();
    this.connection.terminate();
  }

  /** After 101: the connection is the caller's, and the next bytes from it are no HTTP. */
  detach(): void {
    this.#handler = undefined;
    this.#leave();
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
    const consumed = this.#parser.push(chunk);
    if (consumed < chunk.length) {
      // Detached: these are the first bytes of the tunnel. Otherwise something follows the response unasked.
      if (this.connection.sink !== this) this.connection.sink.onData(chunk.subarray(consumed));
      else this.#keepAlive = false;
    }
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
    this.#handler?.onUpstreamHead(head);
  }

  onBody(chunk: Uint8Array): void {
    this.#handler?.onUpstreamBody(chunk);
  }

  onTrailers(lines: Uint8Array): void {
    this.#handler?.onUpstreamTrailers(lines);
  }

  onMessageEnd(): void {
    this.#isResponseComplete = true;
  }

  onError(reason: ReasonCode, detail: string): void {
    this.#lose(reason, detail);
    this.#leave();
    this.connection.terminate();
  }

  /**
   * The whole chunk was parsed: only now is it known that nothing follows the response. Back to the pool first, so that
   * a request which the exchange's end lets in finds this connection rather than opening another.
   */
  #settle(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#isResponseComplete = false;
    if (handler === undefined) return;
    if (this.#keepAlive && this.isRequestComplete && !this.#isGone) {
      this.isReused = true;
      this.connection.resume();
      this.#owner.onReusable(this);
    } else {
      this.close();
    }
    handler.onUpstreamEnd();
  }

  #lose(reason: ReasonCode, detail: string): void {
    const handler = this.#handler;
    this.#handler = undefined;
    if (handler === undefined) return;
    // Out of the pool before the exchange looks for another connection.
    this.#leave();
    handler.onUpstreamLost(reason, detail);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#owner.onGone(this);
  }
}
