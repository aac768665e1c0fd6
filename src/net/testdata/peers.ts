/** Connections for tests: sinks that record, and pairs of ends over a real socket. */
import { connect, type ConnectFailure, type ConnectOptions } from "../connect.ts";
import { Connection, type ConnectionSink } from "../connection.ts";
import type { CloseCause } from "../causes.ts";
import { listen, type Listener, type ListenOptions } from "../listen.ts";

/** Bounds that no test reaches. */
export const ample = { maxConnections: 1_000, maxHandshakes: 1_000, handshakeTimeoutMs: 30_000 };

/** Writes down every event; promises settle when something happens, so that no test sleeps. */
export class RecordingSink implements ConnectionSink {
  readonly events: string[] = [];
  bytes = 0;
  readonly #waiting = new Set<() => void>();
  #text = "";

  onData(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.bytes < 10_000) this.#text += Buffer.from(chunk).toString("latin1");
    this.#note();
  }

  onDrain(): void {
    this.events.push("drain");
    this.#note();
  }

  onEnd(): void {
    this.events.push("end");
    this.#note();
  }

  onClose(cause: CloseCause): void {
    this.events.push(`close ${cause}`);
    this.#note();
  }

  /** What arrived so far, of the first 10,000 bytes. */
  get text(): string {
    return this.#text;
  }

  /** Resolves as soon as the condition holds; fails after `deadlineMs`. */
  until(condition: () => boolean, what: string, deadlineMs = 30_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(
          new Error(`waited in vain for ${what}; events: ${this.events.join(", ")}; text: ${this.text}`),
        );
      }, deadlineMs);
      this.#waiting.add(check);
      check();
    });
  }

  event(event: string): Promise<void> {
    return this.until(() => this.events.includes(event), event);
  }

  received(text: string): Promise<void> {
    return this.until(() => this.text === text, JSON.stringify(text));
  }

  #note(): void {
    for (const check of [...this.#waiting]) check();
  }
}

export interface Pair extends AsyncDisposable {
  readonly client: Connection;
  readonly clientSink: RecordingSink;
  readonly server: Connection;
  readonly serverSink: RecordingSink;
  readonly listener: Listener;
}

export function connected(options: ConnectOptions): Promise<Connection | ConnectFailure> {
  return new Promise((resolve) => {
    connect(options, resolve);
  });
}

/** Two ends of one connection; `listenOptions` and `connectOptions` add TLS, clocks and bounds. */
export async function makePair(
  listenOptions: Partial<ListenOptions> = {},
  connectOptions: Partial<ConnectOptions> = {},
): Promise<Pair> {
  const serverSink = new RecordingSink();
  let accept: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = listen({
    ...listenOptions,
    onConnection(connection) {
      connection.sink = serverSink;
      accept(connection);
    },
  });
  const target =
    listenOptions.unixPath === undefined
      ? { address: listener.hostname, port: listener.port }
      : { address: "", port: 0, unixPath: listenOptions.unixPath };
  const client = await connected({ ...target, timeoutMs: 30_000, ...connectOptions });
  if (!(client instanceof Connection)) throw new Error(client.detail);
  const clientSink = new RecordingSink();
  client.sink = clientSink;
  const server = await accepted;
  return {
    client,
    clientSink,
    server,
    serverSink,
    listener,
    async [Symbol.asyncDispose]() {
      client.terminate();
      listener.closeAll();
    },
  };
}

export function text(value: string): Uint8Array {
  return Buffer.from(value, "latin1");
}
