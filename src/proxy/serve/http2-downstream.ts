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

/** As for HTTP/1.1: longer than any pool of the mesh keeps a connection idle. */
const idleTimeoutMs = 300_000;

export interface Http2DownstreamOptions {
  readonly members: ConnectionSet;
  /** The connection began as HTTP/1.1 with this request, which is answered as stream 1. */
  readonly upgraded?: NonNullable<Http2ServerOptions["upgraded"]>;
}

export class Http2Downstream implements Http2ClientOwner, ClientConnection {
  readonly #connection: Connection;
  readonly #context: ServeContext;
  readonly #service: HttpService;
  readonly #options: Http2DownstreamOptions;
  readonly #streams = new Set<Http2Client>();
  #session: Http2ServerSession | undefined;
  #lastActivityMs: number;
  #isDraining = false;

  constructor(
    connection: Connection,
    context: ServeContext,
    service: HttpService,
    options: Http2DownstreamOptions,
  ) {
    this.#connection = connection;
    this.#context = context;
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
        onRefused: (reason, detail) => this.#onRefused(reason, detail),
        onClose: (end) => this.#onClose(end),
      },
      {
        clock: this.#context.clock,
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
    this.#lastActivityMs = this.#context.coarseNowMs;
  }

  sweep(nowMs: number): void {
    if (this.#context.isDraining && !this.#isDraining) this.#drain();
    else if (this.#streams.size === 0 && nowMs - this.#lastActivityMs >= idleTimeoutMs) this.#drain();
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

  #onStream(stream: Http2Stream, fields: HeaderFields, isEnd: boolean): void {
    const request = new Http2Request(fields, isEnd);
    const client = new Http2Client(this, stream, request);
    stream.sink = client;
    this.#streams.add(client);
    const exchange = openExchange(this.#context, this.#service, client, request);
    client.exchange = exchange;
    exchange.start();
    if (isEnd) exchange.onRequestEnd(undefined);
  }

  /** It was answered by the codec: a stream that was malformed, or one too many. */
  #onRefused(reason: ReasonCode, detail: string): void {
    recordUnread(this.#context, {
      edge: this.#service.edge("", undefined),
      requestId: this.#context.requestIds.next(),
      reason,
      detail,
      peerAddress: this.remoteAddress,
    });
  }

  #onClose(end: SessionEnd): void {
    this.#options.members.delete(this);
    if (end.by === "local" && end.code !== "no_error") this.#onRefused("malformed_request", end.detail);
  }
}
