/** HTTP/2 clients and servers for tests, on our own codec over real sockets. */
import {
  HeaderFields,
  Http2ClientSession,
  Http2ServerSession,
  type Http2Stream,
  type StreamOutcome,
  type StreamSink,
} from "../../http2/index.ts";
import { systemClock } from "../../kernel/index.ts";
import { Connection, connect, listen, type Listener } from "../../net/index.ts";

const waitMs = 30_000;

type Entries = readonly (readonly [name: string, value: string])[];

/** One message as it came in: everything that a stream told. */
export class Http2Message implements StreamSink {
  head: HeaderFields | undefined;
  readonly interim: HeaderFields[] = [];
  body = "";
  trailers: HeaderFields | undefined;
  outcome: StreamOutcome | undefined;
  isEnded = false;
  stream: Http2Stream | undefined;
  #waiting: (() => void)[] = [];

  get status(): number {
    return Number(this.head?.get(":status"));
  }

  onHead(fields: HeaderFields): void {
    this.head = fields;
    this.#wake();
  }

  onInterim(fields: HeaderFields): void {
    this.interim.push(fields);
    this.#wake();
  }

  onData(chunk: Uint8Array): void {
    this.body += Buffer.from(chunk).toString("latin1");
    this.#wake();
  }

  onEnd(trailers: HeaderFields | undefined): void {
    this.trailers = trailers;
    this.isEnded = true;
    this.#wake();
  }

  onDrain(): void {}

  onClose(outcome: StreamOutcome): void {
    this.outcome = outcome;
    this.#wake();
  }

  /** Resolves once `condition` holds; rejects after half a minute, which only a defect takes. */
  async until(condition: () => boolean, what: string): Promise<this> {
    const deadline = Date.now() + waitMs;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`${what} did not come; body so far: ${this.body}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const timer = setTimeout(resolve, 50);
      await promise;
      clearTimeout(timer);
    }
    return this;
  }

  ended(): Promise<this> {
    return this.until(() => this.isEnded || this.outcome !== undefined, "the end of the message");
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) each();
  }
}

export class Http2Client {
  readonly session: Http2ClientSession;

  private constructor(session: Http2ClientSession) {
    this.session = session;
  }

  /** By prior knowledge. */
  static async connect(port: number): Promise<Http2Client> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    connect({ address: "127.0.0.1", port, timeoutMs: 1_000 }, (result) => {
      if (result instanceof Connection) resolve(result);
      else reject(new Error(result.detail));
    });
    const connection = await promise;
    return new Http2Client(new Http2ClientSession(connection, { onClose() {} }, { clock: systemClock }));
  }

  /** `body` undefined: the head ends the request. Null: the request stays open. */
  send(entries: Entries, body?: string | null, trailers?: Entries): Http2Message {
    const message = new Http2Message();
    const stream = this.session.request(HeaderFields.of(entries), body === undefined, message);
    message.stream = stream;
    if (body !== undefined && body !== null) {
      stream?.write(Buffer.from(body, "latin1"));
      stream?.end(trailers === undefined ? undefined : HeaderFields.of(trailers));
    }
    return message;
  }

  get(path: string, more: Entries = []): Http2Message {
    return this.send([...requestLine("GET", path), ...more]);
  }

  post(path: string, body: string | null, more: Entries = [], trailers?: Entries): Http2Message {
    return this.send([...requestLine("POST", path), ...more], body, trailers);
  }

  close(): void {
    this.session.close();
  }
}

export function requestLine(method: string, path: string): Entries {
  return [
    [":method", method],
    [":scheme", "http"],
    [":authority", "echo"],
    [":path", path],
  ];
}

export interface Http2Request {
  readonly fields: HeaderFields;
  readonly message: Http2Message;
  readonly stream: Http2Stream;
  answer(entries: Entries, body?: string, trailers?: Entries): void;
}

/** Speaks HTTP/2 by prior knowledge; `answer` is called when a request's head has come. */
export class Http2Server {
  readonly requests: Http2Request[] = [];
  readonly sessions: Http2ServerSession[] = [];
  readonly port: number;
  readonly #listener: Listener;

  constructor(answer: (request: Http2Request) => unknown, options: { maxConcurrentStreams?: number } = {}) {
    this.#listener = listen({
      onConnection: (connection) => {
        const handler = {
          onStream: (stream: Http2Stream, fields: HeaderFields, isEnd: boolean): void => {
            const message = new Http2Message();
            message.isEnded = isEnd;
            message.head = fields;
            stream.sink = message;
            const request = { fields, message, stream, answer: answerOn(stream) };
            this.requests.push(request);
            answer(request);
          },
          onClose() {},
        };
        this.sessions.push(
          new Http2ServerSession(connection, handler, {
            clock: systemClock,
            acceptsExtendedConnect: true,
            limits: options,
          }),
        );
      },
    });
    this.port = this.#listener.port;
  }

  stop(): void {
    this.#listener.closeAll();
  }
}

function answerOn(stream: Http2Stream): Http2Request["answer"] {
  return (entries, body, trailers) => {
    stream.sendHead(HeaderFields.of(entries), body === undefined && trailers === undefined);
    if (body !== undefined) stream.write(Buffer.from(body, "latin1"));
    if (body !== undefined || trailers !== undefined) {
      stream.end(trailers === undefined ? undefined : HeaderFields.of(trailers));
    }
  };
}
