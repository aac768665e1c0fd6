/** A client's HTTP/2 connection: each stream is an exchange of its own. */
import {
  type HeaderFields,
  Http2ServerSession,
  type Http2ServerOptions,
  type Http2Stream,
  type SessionEnd,
} from "../../http2/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { Connection } from "../../net/index.ts";
import { Http2Request } from "../http/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { openExchange } from "./exchange-opening.ts";
import { Http2Client, type Http2ClientOwner } from "./http2-client.ts";
import type { HttpService } from "./http-service.ts";
import { recordUnread } from "./outcome.ts";

export interface Http2DownstreamOptions {
  readonly members: ConnectionSet;
  /** The connection began as HTTP/1.1 with this request, which is answered as stream 1. */
  readonly upgraded?: NonNullable<Http2ServerOptions["upgraded"]>;
}

export class Http2Downstream implements Http2ClientOwner, ClientConnection {
  readonly context: ServeContext;
  readonly #connection: Connection;
  readonly #service: HttpService;
  readonly #options: Http2DownstreamOptions;
  readonly #streams = new Set<Http2Client>();
  #session: Http2ServerSession | undefined;
  #lastActivityMs: number;
  #isDraining = false;
  #requestCount = 0;
  /** A head that was not whole when it was looked for last, and since when. */
  #unfinishedHead = 0;
  #unfinishedSinceMs = 0;
  #isHeadStalled = false;

  constructor(
    connection: Connection,
    context: ServeContext,
    service: HttpService,
    options: Http2DownstreamOptions,
  ) {
    this.#connection = connection;
    this.context = context;
    this.#service = service;
    this.#options = options;
    this.#lastActivityMs = context.coarseNowMs;
  }

  /** `alreadyRead`: bytes that were read to find out what is spoken. */
  start(alreadyRead: Uint8Array | undefined): void {
    const { members, upgraded } = this.#options;
    members.add(this);
    const session = new Http2ServerSession(
      this.#connection,
      {
        onStream: (stream, fields, isEnd) => this.#onStream(stream, fields, isEnd),
        onRefused: (reason, detail) => this.#onCodecRefused(reason, detail),
        onClose: (end) => this.#onClose(end),
      },
      {
        clock: this.context.clock,
        limits: this.context.limits.http2,
        acceptsExtendedConnect: true,
        ...(upgraded === undefined ? {} : { upgraded }),
      },
    );
    this.#session = session;
    if (alreadyRead !== undefined && alreadyRead.length > 0) session.onData(alreadyRead);
    if (this.#connection.isOpen) this.#connection.resume();
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  onStreamClosed(client: Http2Client): void {
    this.#streams.delete(client);
    this.#lastActivityMs = this.context.coarseNowMs;
  }

  sweep(nowMs: number): void {
    const { isDraining, limits, metrics } = this.context;
    for (const client of this.#streams) client.sweep(nowMs);
    this.#sweepHead(nowMs);
    if (this.#isDraining) return;
    if (isDraining) {
      this.#drain();
    } else if (this.#streams.size === 0 && nowMs - this.#lastActivityMs >= limits.idleTimeoutMs) {
      metrics.limitReached("idleTimeout");
      this.#drain();
    }
  }

  closeIfIdle(): void {
    this.#drain();
  }

  terminate(): void {
    this.#connection.terminate();
  }

  #drain(): void {
    this.#isDraining = true;
    this.#session?.drain();
  }

  /** From its first byte, however it trickles in: nothing else may come on the connection meanwhile. */
  #sweepHead(nowMs: number): void {
    const unfinished = this.#session?.unfinishedHead ?? 0;
    if (unfinished === 0 || unfinished !== this.#unfinishedHead) {
      this.#unfinishedHead = unfinished;
      this.#unfinishedSinceMs = nowMs;
    } else if (nowMs - this.#unfinishedSinceMs >= this.context.limits.headerTimeoutMs) {
      this.context.metrics.limitReached("headerTimeout");
      this.#isHeadStalled = true;
      this.#session?.refusePeer("a request's head stalled");
    }
  }

  #onStream(stream: Http2Stream, fields: HeaderFields, isEnd: boolean): void {
    const request = new Http2Request(fields, isEnd);
    const client = new Http2Client(this, stream, request);
    stream.sink = client;
    this.#streams.add(client);
    this.#countRequest();
    const passed = this.#limitPassedBy(request);
    if (passed !== undefined) {
      this.#refuse(client, request, passed);
      return;
    }
    const exchange = openExchange(this.context, this.#service, client, request);
    client.exchange = exchange;
    exchange.start();
    if (isEnd) exchange.onRequestEnd(undefined);
  }

  /** The connection goes when those under way are done; what comes until the client has heard of it is still answered. */
  #countRequest(): void {
    const { limits, metrics } = this.context;
    this.#requestCount++;
    if (this.#requestCount !== limits.maxRequestsPerConnection) return;
    metrics.limitReached("maxRequestsPerConnection");
    this.#drain();
  }

  /** Those that the codec does not know: it counts bytes alone. */
  #limitPassedBy(request: Http2Request): "maxUriBytes" | "maxHeaders" | undefined {
    const { limits } = this.context;
    if (request.target.length > limits.maxUriBytes) return "maxUriBytes";
    return request.fields.count - request.firstField > limits.maxHeaders ? "maxHeaders" : undefined;
  }

  #refuse(client: Http2Client, request: Http2Request, limit: "maxUriBytes" | "maxHeaders"): void {
    const reason = limit === "maxUriBytes" ? "uri_too_long" : "headers_too_large";
    this.context.metrics.limitReached(limit);
    const requestId = this.#onRefused(
      reason,
      limit === "maxUriBytes" ? "path is too long" : "too many fields",
    );
    const isRequestEnded = request.isEnd;
    client.writeRefusal({ reason, requestId, lines: [], isRequestEnded, grpc: undefined });
    client.onExchangeDone();
  }

  #onCodecRefused(reason: ReasonCode, detail: string): void {
    if (reason === "overloaded") this.context.metrics.limitReached("maxConcurrentStreams");
    if (reason === "headers_too_large") this.context.metrics.limitReached("maxHeaderBytes");
    this.#onRefused(reason, detail);
  }

  /** It never was an exchange: malformed, or over a limit. Returns the id by which it is found. */
  #onRefused(reason: ReasonCode, detail: string): string {
    const requestId = this.context.requestIds.next();
    recordUnread(this.context, {
      service: this.#service,
      requestId,
      reason,
      detail,
      peerAddress: this.remoteAddress,
    });
    return requestId;
  }

  #onClose(end: SessionEnd): void {
    this.#options.members.delete(this);
    if (end.by !== "local" || end.code === "no_error") return;
    if (end.code === "settings_timeout") this.context.metrics.limitReached("http2SettingsTimeout");
    if (end.code === "enhance_your_calm" && !this.#isHeadStalled)
      this.context.metrics.limitReached("http2Abuse");
    this.#onRefused(this.#isHeadStalled ? "client_timeout" : "malformed_request", end.detail);
  }
}
