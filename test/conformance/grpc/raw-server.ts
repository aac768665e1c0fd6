/** A gRPC server that is nothing but HTTP/2: each call is taken and told by the test, and remembers what became of it. */
import {
  type HeaderFields,
  Http2ServerSession,
  type Http2Stream,
  type StreamOutcome,
  type StreamSink,
} from "../../../src/http2/index.ts";
import { systemClock } from "../../../src/kernel/index.ts";
import { type Connection, listen, type Listener } from "../../../src/net/index.ts";

export class ServerCall implements StreamSink {
  readonly request: HeaderFields;
  readonly stream: Http2Stream;
  readonly connection: Connection;
  readonly outcome: Promise<StreamOutcome>;
  /** Settles when the caller has said all. */
  readonly requestEnd: Promise<void>;
  receivedBytes = 0;
  readonly #outcome = Promise.withResolvers<StreamOutcome>();
  readonly #requestEnd = Promise.withResolvers<void>();

  constructor(
    stream: Http2Stream,
    request: HeaderFields,
    options: { readonly isEnd: boolean; readonly connection: Connection },
  ) {
    this.stream = stream;
    this.request = request;
    this.connection = options.connection;
    this.outcome = this.#outcome.promise;
    this.requestEnd = this.#requestEnd.promise;
    if (options.isEnd) this.#requestEnd.resolve();
  }

  onHead(): void {}

  onInterim(): void {}

  onData(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
  }

  onEnd(): void {
    this.#requestEnd.resolve();
  }

  onDrain(): void {}

  onClose(outcome: StreamOutcome): void {
    this.#outcome.resolve(outcome);
  }
}

export class RawServer implements Disposable {
  /** What a call is answered with; a test sets its own. */
  answer: (call: ServerCall) => void = () => {};
  readonly #listener: Listener;
  readonly #sessions = new Set<Http2ServerSession>();

  constructor() {
    this.#listener = listen({ onConnection: (connection) => this.#serve(connection) });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** The next call that arrives, answered by nobody but the test. */
  nextCall(): Promise<ServerCall> {
    const { promise, resolve } = Promise.withResolvers<ServerCall>();
    this.answer = resolve;
    return promise;
  }

  /** Says GOAWAY on every connection; what is in flight goes on. */
  drain(): void {
    for (const session of this.#sessions) session.drain();
  }

  [Symbol.dispose](): void {
    this.#listener.closeAll();
  }

  #serve(connection: Connection): void {
    const session: Http2ServerSession = new Http2ServerSession(
      connection,
      {
        onStream: (stream, request, isEnd) => {
          const call = new ServerCall(stream, request, { isEnd, connection });
          stream.sink = call;
          this.answer(call);
        },
        onClose: () => void this.#sessions.delete(session),
      },
      { clock: systemClock },
    );
    this.#sessions.add(session);
  }
}
