/** gRPC by hand over node's HTTP/2: a server that sends each message back, and calls to it over TCP or a Unix socket. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import { createConnection } from "node:net";

export type Door = { readonly port: number } | { readonly path: string };

/** Ends with status 0 when its caller has said all. */
export async function startGrpcEcho(): Promise<{ readonly server: Http2Server; readonly port: number }> {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("data", (chunk: Buffer) => stream.write(chunk));
    stream.on("end", () => stream.end());
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return { server, port: address.port };
}

/** One bidirectional call: messages go and come one by one. */
export class EchoCall {
  readonly #stream: ClientHttp2Stream;
  readonly #ended: Promise<string>;
  #received = Buffer.alloc(0);
  #failure: string | undefined;
  #onChange = (): void => {};

  constructor(session: ClientHttp2Session, authority: string) {
    const stream = session.request({
      ...{ ":method": "POST", ":path": "/weft.test.Echo/Talk", ":authority": authority },
      ...{ "content-type": "application/grpc", te: "trailers" },
    });
    this.#stream = stream;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#ended = promise;
    let status = "";
    stream.on("response", (headers) => {
      status = `${headers[":status"]} grpc ${String(headers["grpc-status"] ?? "")}`;
    });
    stream.on("trailers", (trailers) => {
      status = `grpc ${String(trailers["grpc-status"])}`;
    });
    stream.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#onChange();
    });
    const over = (why: string): void => {
      this.#failure ??= why;
      resolve(why);
      this.#onChange();
    };
    stream.on("error", (error) => over(error.message));
    stream.on("close", () => over(status));
  }

  /** Resolves when the message has come back whole. */
  async ask(text: string): Promise<void> {
    const message = encodeMessage(text);
    this.#received = Buffer.alloc(0);
    this.#stream.write(message);
    while (this.#received.length < message.length) {
      if (this.#failure !== undefined) throw new Error(`over before it answered ${text}: ${this.#failure}`);
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    if (!this.#received.equals(message))
      throw new Error(`${this.#received.toString()} is no echo of ${text}`);
  }

  /** Half-closes. Resolves to how it ended: "grpc 0" where all is well. */
  end(): Promise<string> {
    this.#stream.end();
    return this.#ended;
  }
}

export function openSession(door: Door): ClientHttp2Session {
  if ("port" in door) return connect(`http://127.0.0.1:${door.port}`);
  return connect("http://127.0.0.1", { createConnection: () => createConnection(door.path) });
}

/** One short call after another, on a new connection whenever the one before says that it goes. */
export class EchoCalls {
  answered = 0;
  connections = 0;
  readonly #door: Door;
  readonly #authority: string;
  readonly #failures: string[] = [];
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(door: Door, authority: string) {
    this.#door = door;
    this.#authority = authority;
    this.#running = this.#run();
  }

  /** What went wrong. */
  async stop(): Promise<readonly string[]> {
    this.#isStopped = true;
    await this.#running;
    return this.#failures;
  }

  async #run(): Promise<void> {
    let session: ClientHttp2Session | undefined;
    while (!this.#isStopped) {
      if (session === undefined || session.closed || session.destroyed) session = this.#open();
      try {
        const call = new EchoCall(session, this.#authority);
        await call.ask("short");
        const status = await call.end();
        if (status === "grpc 0") this.answered++;
        else this.#failures.push(status);
      } catch (error) {
        this.#failures.push(String(error));
      }
      await Bun.sleep(10);
    }
    session?.close();
  }

  #open(): ClientHttp2Session {
    this.connections++;
    const session = openSession(this.#door);
    session.on("error", (error) => this.#failures.push(`session: ${error.message}`));
    session.on("goaway", () => session.close());
    return session;
  }
}

/** Length-prefixed, not compressed. */
function encodeMessage(text: string): Buffer {
  const message = Buffer.alloc(5 + Buffer.byteLength(text));
  message.writeUInt32BE(message.length - 5, 1);
  message.write(text, 5);
  return message;
}
