/** The gRPC calls of one HTTP/2 connection: finds the method of each request and refuses what is not gRPC. */
import { type Clock, type Log, systemClock } from "../kernel/index.ts";
import {
  HeaderFields,
  Http2ServerSession,
  type Http2Limits,
  type Http2Stream,
  type KeepAliveOptions,
  type StreamSink,
  type Transport,
} from "../http2/index.ts";
import type { PeerCertificate } from "../net/index.ts";
import type { MethodRegistration } from "./method.ts";
import { ServerCall } from "./server-call.ts";

export interface ServerConnectionOptions {
  readonly transport: Transport;
  readonly peer: PeerCertificate | undefined;
  readonly remoteAddress: string;
  readonly methods: ReadonlyMap<string, MethodRegistration>;
  readonly log: Log;
  readonly clock?: Clock;
  readonly limits?: Partial<Http2Limits>;
  readonly keepAlive?: KeepAliveOptions;
  onClosed(connection: ServerConnection): void;
}

/** Notices within 30 seconds that a peer has vanished; also the time in which a half-sent header block must end. */
const defaultKeepAlive: KeepAliveOptions = { intervalMs: 20_000, timeoutMs: 10_000 };

export class ServerConnection {
  readonly #options: ServerConnectionOptions;
  readonly #clock: Clock;
  readonly #session: Http2ServerSession;
  readonly #calls = new Set<ServerCall>();

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#session = new Http2ServerSession(
      options.transport,
      {
        onStream: (stream, request, isEnd) => this.#accept(stream, request, isEnd),
        onClose: (end) => {
          if (end.by === "local" && end.code !== "no_error") {
            options.log.warn("gRPC connection ended", {
              peer: options.remoteAddress,
              code: end.code,
              detail: end.detail,
            });
          }
          options.onClosed(this);
        },
      },
      {
        clock: this.#clock,
        limits: options.limits ?? {},
        keepAlive: options.keepAlive ?? defaultKeepAlive,
      },
    );
  }

  /** Verified; undefined: it showed no certificate. */
  get peer(): PeerCertificate | undefined {
    return this.#options.peer;
  }

  /** Unary calls finish; streams, which would never, are told to go elsewhere. */
  drain(): void {
    this.#session.drain();
    for (const call of [...this.#calls]) {
      if (call.isStreaming) call.close({ code: "unavailable", message: "the server is shutting down" });
    }
  }

  close(): void {
    this.#session.close();
  }

  #accept(stream: Http2Stream, request: HeaderFields, isEnd: boolean): void {
    const refusal = refusalOf(request);
    if (refusal !== undefined) {
      stream.sink = noSink;
      stream.sendHead(refusal, true);
      return stream.discardInput();
    }
    const { peer, remoteAddress, log, methods } = this.#options;
    const method = methods.get(request.get(":path") ?? "");
    const call = new ServerCall(stream, request, {
      clock: this.#clock,
      peer,
      remoteAddress,
      isStreaming: method?.isStreaming ?? false,
      onDefect: (error) =>
        log.error("gRPC handler failed", { method: call.path, error: describeDefect(error) }),
      onClosed: (closed) => void this.#calls.delete(closed),
    });
    stream.sink = call;
    this.#calls.add(call);
    if (method === undefined) {
      return call.close({ code: "unimplemented", message: `no such method: ${call.path}` });
    }
    const encoding = request.get("grpc-encoding") ?? "identity";
    if (encoding !== "identity") {
      return call.close({ code: "unimplemented", message: `grpc-encoding ${encoding} is not supported` });
    }
    call.begin((accepted) => method.accept(accepted));
    if (isEnd) call.onEnd();
  }
}

/** Answers in plain HTTP where the request is not gRPC's (PROTOCOL-HTTP2.md, "Requests"). */
function refusalOf(request: HeaderFields): HeaderFields | undefined {
  if (request.get(":method") !== "POST") {
    return HeaderFields.of([
      [":status", "405"],
      ["allow", "POST"],
    ]);
  }
  const type = request.get("content-type") ?? "";
  return /^application\/grpc(\+proto)?(;|$)/.test(type) ? undefined : HeaderFields.of([[":status", "415"]]);
}

function describeDefect(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const noSink: StreamSink = {
  onHead() {},
  onInterim() {},
  onData() {},
  onEnd() {},
  onDrain() {},
  onClose() {},
};
