/** A gRPC client that is nothing but HTTP/2: it enforces no deadline, repeats nothing, and shows each frame's meaning. */
import { impliedGrpcStatus, readGrpcStatus } from "../../../src/grpc/index.ts";
import {
  HeaderFields,
  Http2ClientSession,
  type Http2Stream,
  type StreamOutcome,
  type StreamSink,
} from "../../../src/http2/index.ts";
import { systemClock } from "../../../src/kernel/index.ts";
import { connect, Connection } from "../../../src/net/index.ts";

const connectTimeoutMs = 5_000;

/** One call as its caller saw it. */
export interface SeenCall {
  readonly head: HeaderFields | undefined;
  /** The head was the whole response. */
  readonly isTrailersOnly: boolean;
  readonly body: string;
  readonly trailers: HeaderFields | undefined;
  readonly outcome: StreamOutcome;
  /** What a gRPC library makes of it. */
  readonly status: number;
  readonly tookMs: number;
}

export class RawCall implements StreamSink {
  readonly seen: Promise<SeenCall>;
  readonly headSeen: Promise<HeaderFields>;
  readonly bodySeen: Promise<void>;
  stream: Http2Stream | undefined;
  readonly #seen = Promise.withResolvers<SeenCall>();
  readonly #headSeen = Promise.withResolvers<HeaderFields>();
  readonly #bodySeen = Promise.withResolvers<void>();
  readonly #startMs = performance.now();
  #head: HeaderFields | undefined;
  #isTrailersOnly = false;
  #body = "";
  #trailers: HeaderFields | undefined;

  constructor() {
    this.seen = this.#seen.promise;
    this.headSeen = this.#headSeen.promise;
    this.bodySeen = this.#bodySeen.promise;
  }

  onHead(fields: HeaderFields, isEnd: boolean): void {
    this.#head = fields;
    this.#isTrailersOnly = isEnd;
    this.#headSeen.resolve(fields);
  }

  onInterim(): void {}

  onData(chunk: Uint8Array): void {
    this.#body += Buffer.from(chunk).toString("latin1");
    this.#bodySeen.resolve();
  }

  onEnd(trailers: HeaderFields | undefined): void {
    this.#trailers = trailers;
    // A library gives the stream back at once, whether its own half is over or not.
    if (this.stream?.isClosed === false) this.stream.reset("no_error");
  }

  onDrain(): void {}

  onClose(outcome: StreamOutcome): void {
    const [head, isTrailersOnly, body, trailers] = [
      this.#head,
      this.#isTrailersOnly,
      this.#body,
      this.#trailers,
    ];
    const last = isTrailersOnly ? head : trailers;
    const status =
      (last === undefined ? undefined : readGrpcStatus(last)) ??
      impliedGrpcStatus(Number(head?.get(":status") ?? 0), outcome);
    const tookMs = performance.now() - this.#startMs;
    this.#seen.resolve({ head, isTrailersOnly, body, trailers, outcome, status, tookMs });
  }
}

export class RawClient implements Disposable {
  readonly #connection: Connection;
  readonly #session: Http2ClientSession;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#session = new Http2ClientSession(connection, { onClose() {} }, { clock: systemClock });
  }

  static async connect(port: number): Promise<RawClient> {
    const { promise, resolve } = Promise.withResolvers<Parameters<Parameters<typeof connect>[1]>[0]>();
    connect({ address: "127.0.0.1", port, timeoutMs: connectTimeoutMs }, resolve);
    const result = await promise;
    if (!(result instanceof Connection)) throw new Error(`${result.reason}: ${result.detail}`);
    return new RawClient(result);
  }

  /** `fields` come behind gRPC's own and replace those of the same name. */
  call(
    fields: Readonly<Record<string, string>> = {},
    options: { readonly body?: string; readonly isEnd?: boolean } = {},
  ): RawCall {
    const { body = "", isEnd = true } = options;
    const all = {
      ":method": "POST",
      ":scheme": "http",
      ":path": "/test.Raw/Call",
      ":authority": "raw.example:1234",
      te: "trailers",
      "content-type": "application/grpc",
      ...fields,
    };
    const call = new RawCall();
    const stream = this.#session.request(HeaderFields.of(Object.entries(all)), isEnd && body === "", call);
    if (stream === undefined) throw new Error("the connection takes no call");
    call.stream = stream;
    if (body !== "") stream.write(Buffer.from(body, "latin1"));
    if (body !== "" && isEnd) stream.end();
    return call;
  }

  /** Without a word. */
  vanish(): void {
    this.#connection.terminate();
  }

  [Symbol.dispose](): void {
    this.#connection.terminate();
  }
}
