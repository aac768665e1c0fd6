/**
 * A gRPC client to one address. It connects when the first call needs it, keeps one connection, opens another when the
 * server drains or the connection is gone. It never retries by itself: calls that find no connection fail at once with
 * `unavailable`, and whoever made them knows when to try again.
 *
 *   idle --call--> connecting --opened--> ready --GOAWAY | refresh() | connection lost--> idle
 *   connecting --failed--> idle          any --close()--> closed
 */
import {
  create,
  type DescMessage,
  isMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Clock, type Log, silentLog, systemClock } from "../kernel/index.ts";
import type { Http2ClientSession } from "../http2/index.ts";
import type { PendingConnect } from "../net/index.ts";
import { type BidiStream, CallStream } from "./bidi-stream.ts";
import { ClientCall } from "./client-call.ts";
import { type ClientConnectionOptions, openClientConnection } from "./client-connection.ts";
import type { Metadata } from "./metadata.ts";
import { methodPath, type StreamingMethod, type UnaryMethod } from "./method.ts";
import { errorOfStatus, type GrpcStatus } from "./status.ts";
import { UnaryReceiver } from "./unary-receiver.ts";

/** Calls that wait for a connection or for a free stream. The next one fails with resource_exhausted. */
const maxWaitingCalls = 1_000;

export interface GrpcClientOptions extends ClientConnectionOptions {
  readonly log?: Log;
  readonly clock?: Clock;
  /** What servers see as the host; default: the TLS server name, else the address. */
  readonly authority?: string;
}

export interface CallOptions {
  readonly metadata?: Metadata;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface BidiHandlers<O> {
  onMessage(message: O): void;
  /** After `send` returned false, and when the connection is there. */
  onDrain?(): void;
  /** Exactly once, last. */
  onClose(status: GrpcStatus): void;
}

export type GrpcClientState = "idle" | "connecting" | "ready" | "closed";

export class GrpcClient {
  readonly #options: GrpcClientOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  #state: GrpcClientState = "idle";
  #pending: PendingConnect | undefined = undefined;
  #session: Http2ClientSession | undefined = undefined;
  /** The current one and those that only finish their streams. */
  readonly #sessions = new Set<Http2ClientSession>();
  readonly #waiting = new Set<ClientCall>();

  constructor(options: GrpcClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
  }

  get state(): GrpcClientState {
    return this.#state;
  }

  /** Rejects with a WeftError whose `fields.grpcStatus` is the status' number. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      const path = methodPath(method);
      const call = this.#makeCall(path, options);
      call.attach(new UnaryReceiver(method.output, resolve, (status) => reject(errorOfStatus(status, path))));
      const message = isMessage(request, method.input) ? request : create(method.input, request);
      call.sendParts([toBinary(method.input, message)]);
      call.close();
      this.#begin(call);
    });
  }

  /**
   * The stream takes messages at once; they go out when the connection is there. No handler is called before this has
   * returned, save by `close` on the stream.
   */
  bidi<I extends DescMessage, O extends DescMessage>(
    method: StreamingMethod<I, O>,
    handlers: BidiHandlers<MessageShape<O>>,
    options: CallOptions = {},
  ): BidiStream<MessageShape<O>, MessageShape<I>> {
    const call = this.#makeCall(methodPath(method), options);
    const stream = new CallStream(call, method.output, method.input);
    stream.onMessage((message) => handlers.onMessage(message));
    stream.onDrain(() => handlers.onDrain?.());
    stream.onClose((status) => handlers.onClose(status));
    call.attach(stream);
    queueMicrotask(() => this.#begin(call));
    return stream;
  }

  /** The next call opens a new connection (with the identity of then); open streams finish on the old one. */
  refresh(): void {
    this.#session?.drain();
  }

  /** Ends every call with `cancelled` and every connection. Idempotent. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#pending?.cancel();
    this.#failWaiting({ code: "cancelled", message: "the client is closed" });
    for (const session of [...this.#sessions]) session.close();
  }

  #makeCall(path: string, options: CallOptions): ClientCall {
    const { tls, address } = this.#options;
    const serverName = typeof tls === "function" ? undefined : tls?.serverName;
    return new ClientCall({
      path,
      authority: this.#options.authority ?? serverName ?? address,
      scheme: tls === undefined ? "http" : "https",
      clock: this.#clock,
      metadata: options.metadata,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      onAbandoned: (call) => void this.#waiting.delete(call),
    });
  }

  #begin(call: ClientCall): void {
    call.checkSignal();
    if (call.isClosed) return;
    if (this.#state === "closed") return call.finish({ code: "cancelled", message: "the client is closed" });
    if (this.#session !== undefined && this.#waiting.size === 0 && call.start(this.#session)) return;
    if (this.#waiting.size >= maxWaitingCalls) {
      return call.finish({ code: "resource_exhausted", message: "too many calls wait for a connection" });
    }
    this.#waiting.add(call);
    if (this.#state === "idle") this.#connect();
  }

  #connect(): void {
    this.#state = "connecting";
    this.#pending = openClientConnection(this.#options, this.#clock, {
      onOpen: (session) => this.#opened(session),
      onFailed: (detail) => {
        if (this.#state === "closed") return;
        this.#state = "idle";
        this.#log.debug("gRPC connection failed", { address: this.#where(), detail });
        this.#failWaiting({ code: "unavailable", message: `connect to ${this.#where()} failed: ${detail}` });
      },
      onCapacity: (session) => {
        if (session === this.#session) this.#startWaiting(session);
      },
      onDraining: (session) => this.#retire(session),
      onClosed: (session, end) => {
        this.#sessions.delete(session);
        this.#log.debug("gRPC connection ended", {
          address: this.#where(),
          code: end.code,
          detail: end.detail,
        });
        if (session === this.#session) this.#retire(session);
      },
    });
  }

  #opened(session: Http2ClientSession): void {
    this.#pending = undefined;
    this.#sessions.add(session);
    if (this.#state === "closed") return session.close();
    this.#state = "ready";
    this.#session = session;
    this.#startWaiting(session);
  }

  #startWaiting(session: Http2ClientSession): void {
    for (const call of [...this.#waiting]) {
      if (!call.start(session)) return;
      this.#waiting.delete(call);
    }
  }

  #retire(session: Http2ClientSession): void {
    if (session !== this.#session) return;
    this.#session = undefined;
    if (this.#state === "closed") return;
    this.#state = "idle";
    if (this.#waiting.size > 0) this.#connect();
  }

  #failWaiting(status: GrpcStatus): void {
    const calls = [...this.#waiting];
    this.#waiting.clear();
    for (const call of calls) call.finish(status);
  }

  #where(): string {
    return this.#options.unixPath ?? `${this.#options.address}:${this.#options.port}`;
  }
}
