/**
 * A client's HTTP/1.1 connection: parses requests, gives each to an exchange, one after another. Requests that are
 * pipelined wait unread until the one before is answered.
 *
 *   idle -> head -> exchange (-> discarding what is left of a body) -> idle ...
 *   any -> closed;   exchange -> tunnel (bytes go to the exchange as they are) | detached (no longer ours)
 *   idle -> head that asks for h2c -> detached, and the connection goes on as HTTP/2
 */
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import {
  encodeErrorResponse,
  type Http1Limits,
  type RequestHead,
  RequestParser,
  type RequestSink,
} from "../../http1/index.ts";
import type { CloseCause, Connection, ConnectionSink } from "../../net/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import type { ExchangeInput } from "./exchange-input.ts";
import { openExchange } from "./exchange-opening.ts";
import { asksForHttp2, upgradeToHttp2 } from "./h2c-upgrade.ts";
import { Http1Client, type Http1ClientOwner } from "./http1-client.ts";
import type { HttpService } from "./http-service.ts";
import { fixedLimits, http1LimitNames } from "./limits.ts";
import { errorBody, recordUnread } from "./outcome.ts";

const { maxDiscardedBytes, maxPipelinedBytes } = fixedLimits;

export class Http1Downstream implements ConnectionSink, RequestSink, Http1ClientOwner, ClientConnection {
  readonly connection: Connection;
  readonly #context: ServeContext;
  readonly #service: HttpService;
  readonly #members: ConnectionSet;
  readonly #parser: RequestParser;
  #exchange: ExchangeInput | undefined;
  #state: "serving" | "discarding" | "tunnel" | "detached" | "closed" = "serving";
  #held: Uint8Array | undefined;
  #isBodyPaused = false;
  #isPumping = false;
  /** The message that was parsed last is complete and answered: the parser may go on. */
  #isReadyForNext = false;
  #isMessageEnded = true;
  #discarded = 0;
  #trailers: Uint8Array | undefined;
  /** It asked to go on as HTTP/2, and is answered there. */
  #http2Request: RequestHead | undefined;
  /** Bytes of a head that is not complete yet have come. */
  #hasPartialHead = false;
  #headStartedMs = 0;
  #lastActivityMs: number;
  /** When the body that is being read or discarded moved last: chunk framing alone is no progress. */
  #lastBodyMs = 0;
  #requestCount = 0;

  constructor(connection: Connection, context: ServeContext, service: HttpService, members: ConnectionSet) {
    this.connection = connection;
    this.#context = context;
    this.#service = service;
    this.#members = members;
    this.#parser = new RequestParser(this, context.limits.http1);
    this.#lastActivityMs = context.coarseNowMs;
    connection.sink = this;
    members.add(this);
  }

  /** Bytes that were read to find out what is spoken. */
  start(alreadyRead: Uint8Array | undefined): void {
    if (alreadyRead !== undefined && alreadyRead.length > 0) this.onData(alreadyRead);
    this.#resume();
  }

  get isLastRequest(): boolean {
    const { maxRequestsPerConnection } = this.#context.limits;
    return maxRequestsPerConnection > 0 && this.#requestCount >= maxRequestsPerConnection;
  }

  // ---- connection

  onData(chunk: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#lastActivityMs = this.#context.coarseNowMs;
    if (this.#state === "tunnel") this.#exchange?.onRequestBody(chunk);
    else if (this.#held !== undefined || (this.#exchange !== undefined && this.#isMessageEnded))
      this.#hold(chunk);
    else this.#pump(chunk);
  }

  onDrain(): void {
    this.#exchange?.onClientDrain();
  }

  onEnd(): void {
    if (this.#state === "tunnel") {
      this.#exchange?.onRequestEnd(undefined);
      return;
    }
    // As nginx and Envoy do: a client that ends its side while it waits has gone.
    this.#exchange?.cancel("client_closed", "the client closed its side of the connection");
    this.#exchange = undefined;
    this.#close();
  }

  onClose(cause: CloseCause): void {
    this.#exchange?.cancel("client_closed", `the client's connection ended: ${cause}`);
    this.#exchange = undefined;
    this.#forget();
  }

  // ---- parser

  onHead(head: RequestHead): void {
    this.#hasPartialHead = false;
    this.#isMessageEnded = false;
    this.#trailers = undefined;
    this.#lastBodyMs = this.#context.coarseNowMs;
    this.#requestCount++;
    if (head.asksForH2c && this.#service.scheme === "http" && asksForHttp2(head)) {
      this.#http2Request = head;
      return;
    }
    const client = new Http1Client(this.#context, this, head);
    const exchange = openExchange(this.#context, this.#service, client, head);
    this.#exchange = exchange;
    exchange.start();
  }

  onBody(chunk: Uint8Array): void {
    this.#lastBodyMs = this.#context.coarseNowMs;
    if (this.#state === "discarding") this.#discard(chunk.length);
    else this.#exchange?.onRequestBody(chunk);
  }

  onTrailers(lines: Uint8Array): void {
    this.#trailers = lines.slice();
  }

  onMessageEnd(): void {
    this.#isMessageEnded = true;
    if (this.#state === "discarding") this.#becomeReady();
    else this.#exchange?.onRequestEnd(this.#trailers);
  }

  onError(reason: ReasonCode, detail: string, limit?: keyof Http1Limits): void {
    if (limit !== undefined) this.#context.metrics.limitReached(http1LimitNames[limit]);
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      exchange.failRequest(reason, detail);
      this.#close();
    } else if (this.#state === "discarding") {
      this.#close();
    } else {
      this.#refuse(reason, detail);
    }
  }

  // ---- exchange

  pauseRequest(): void {
    this.#isBodyPaused = true;
    this.connection.pause();
  }

  resumeRequest(): void {
    if (!this.#isBodyPaused) return;
    this.#isBodyPaused = false;
    this.#lastBodyMs = this.#context.coarseNowMs;
    this.#resume();
  }

  onResponseDone(keepAlive: boolean): void {
    this.#exchange = undefined;
    if (this.#state === "tunnel") {
      this.#close();
      return;
    }
    this.resumeRequest();
    if (!keepAlive) {
      if (this.isLastRequest) this.#context.metrics.limitReached("maxRequestsPerConnection");
      this.#close();
    } else if (this.#isMessageEnded) {
      this.#becomeReady();
    } else {
      this.#state = "discarding";
      this.#discarded = 0;
      this.#lastBodyMs = this.#context.coarseNowMs;
    }
  }

  abort(): void {
    this.#exchange = undefined;
    this.terminate();
  }

  enterTunnel(): void {
    this.#state = "tunnel";
    this.#parser.stop();
    const held = this.#held;
    this.#held = undefined;
    this.#isBodyPaused = false;
    if (held !== undefined) this.#exchange?.onRequestBody(held);
    this.#resume();
  }

  detach(): Uint8Array | undefined {
    const held = this.#held;
    this.#exchange = undefined;
    this.#parser.stop();
    this.#forget();
    this.#state = "detached";
    return held;
  }

  // ---- owner

  sweep(nowMs: number): void {
    const { limits, metrics } = this.#context;
    this.#exchange?.sweep(nowMs);
    if (this.#exchange !== undefined) {
      if (this.#state === "tunnel" || this.#isMessageEnded || this.#isBodyPaused) return;
      if (nowMs - this.#lastBodyMs < limits.bodyIdleTimeoutMs) return;
      metrics.limitReached("bodyIdleTimeout");
      this.#exchange.failRequest("client_timeout", "the request's body stalled");
    } else if (this.#state === "discarding") {
      if (nowMs - this.#lastBodyMs < limits.headerTimeoutMs) return;
      metrics.limitReached("headerTimeout");
      this.#close();
    } else if (this.#hasPartialHead) {
      // From its first byte: one byte a second is no progress.
      if (nowMs - this.#headStartedMs < limits.headerTimeoutMs) return;
      metrics.limitReached("headerTimeout");
      this.#refuse("client_timeout", "the request's head stalled");
    } else if (nowMs - this.#lastActivityMs >= limits.idleTimeoutMs) {
      metrics.limitReached("idleTimeout");
      this.#close();
    }
  }

  closeIfIdle(): void {
    const isIdle = this.#state === "serving" && this.#exchange === undefined && !this.#hasPartialHead;
    // Its next request may be here already where this process has too little time to read it.
    if (isIdle && !this.connection.hasUnread) this.#close();
  }

  terminate(): void {
    this.#forget();
    this.connection.terminate();
  }

  // ---- inside

  /** Feeds the parser until the bytes are used up or a request is under way; never recurses for pipelined ones. */
  #pump(chunk: Uint8Array): void {
    this.#isPumping = true;
    let rest = chunk;
    for (;;) {
      if (this.#exchange === undefined && !this.#hasPartialHead) {
        this.#hasPartialHead = true;
        this.#headStartedMs = this.#context.coarseNowMs;
      }
      const consumed = this.#parser.push(rest);
      rest = consumed === rest.length ? nothing : rest.subarray(consumed);
      if (this.#http2Request !== undefined) {
        this.#becomeHttp2(this.#http2Request, rest);
        return;
      }
      if (!this.#isReadyForNext || this.#state !== "serving") break;
      this.#isReadyForNext = false;
      this.#hasPartialHead = false;
      this.#parser.next();
      if (rest.length === 0) break;
    }
    this.#isPumping = false;
    if (rest.length > 0 && this.#state === "serving") this.#hold(rest);
  }

  #becomeHttp2(request: RequestHead, rest: Uint8Array): void {
    this.detach();
    upgradeToHttp2(this.connection, {
      context: this.#context,
      service: this.#service,
      members: this.#members,
      request,
      alreadyRead: rest,
    });
  }

  /** Read on until the bound: a connection that is not read does not show that its client has left. */
  #hold(chunk: Uint8Array): void {
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#held.length <= maxPipelinedBytes) return;
    this.#context.metrics.limitReached("maxPipelinedBytes");
    this.connection.pause();
  }

  #resume(): void {
    const isFull = this.#held !== undefined && this.#held.length > maxPipelinedBytes;
    if (!isFull && !this.#isBodyPaused && this.connection.isOpen) this.connection.resume();
  }

  #becomeReady(): void {
    this.#state = "serving";
    this.#lastActivityMs = this.#context.coarseNowMs;
    this.#isReadyForNext = true;
    if (this.#isPumping) return;
    this.#isReadyForNext = false;
    this.#hasPartialHead = false;
    this.#parser.next();
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#pump(held);
    this.#resume();
  }

  #discard(byteLength: number): void {
    this.#discarded += byteLength;
    if (this.#discarded <= maxDiscardedBytes) return;
    this.#context.metrics.limitReached("maxDiscardedBytes");
    this.#close();
  }

  /** A request that cannot even be read. */
  #refuse(reason: ReasonCode, detail: string): void {
    const context = this.#context;
    const status = reasons[reason].httpStatus;
    const scratch = context.scratch;
    scratch.clear();
    const requestId = context.requestIds.next();
    encodeErrorResponse(scratch, { status, body: errorBody(reason, requestId), keepAlive: false });
    this.connection.write(scratch.view());
    recordUnread(context, {
      service: this.#service,
      requestId,
      reason,
      detail,
      peerAddress: this.connection.remoteAddress,
    });
    this.#close();
  }

  /** The connection itself waits for what was written to be read before it goes. */
  #close(): void {
    if (this.#state === "closed") return;
    this.#parser.stop();
    this.#forget();
    this.connection.close();
  }

  #forget(): void {
    this.#state = "closed";
    this.#held = undefined;
    this.#members.delete(this);
  }
}

const nothing = new Uint8Array(0);
