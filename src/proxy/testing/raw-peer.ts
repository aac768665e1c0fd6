/** Raw sockets for tests: a client that writes exact bytes and waits for bytes, and servers that do as they are told. */

/** Only a defect takes so long: a machine that is busy with other things may well take seconds. */
const waitMs = 30_000;

export class RawClient {
  readonly #socket: Bun.Socket;
  #received = Buffer.alloc(0);
  #isEnded = false;
  #wake: () => void = () => {};
  #unsent: Buffer[] = [];
  totalBytes = 0;
  isReset = false;

  private constructor(socket: Bun.Socket) {
    this.#socket = socket;
  }

  static async connect(port: number, hostname = "127.0.0.1"): Promise<RawClient> {
    const holder: { client: RawClient | undefined } = { client: undefined };
    const socket = await Bun.connect({
      hostname,
      port,
      allowHalfOpen: true,
      socket: {
        data: (_socket, chunk) => holder.client?.onData(chunk),
        end: () => holder.client?.onEnd(),
        close: (_socket, error) => holder.client?.onClose(error !== undefined && error !== null),
        error: () => holder.client?.onClose(true),
        drain: () => holder.client?.pump(),
      },
    });
    holder.client = new RawClient(socket);
    return holder.client;
  }

  write(bytes: string | Uint8Array): void {
    this.#unsent.push(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes));
    this.pump();
  }

  pump(): void {
    for (;;) {
      const first = this.#unsent[0];
      if (first === undefined) return;
      const written = this.#socket.write(first);
      if (written < first.length) {
        if (written > 0) this.#unsent[0] = first.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
  }

  get localPort(): number {
    return this.#socket.localPort;
  }

  get unsentBytes(): number {
    return this.#unsent.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until what was received contains `text`, then takes everything up to and with it. */
  async until(text: string): Promise<string> {
    const wanted = Buffer.from(text, "latin1");
    await this.#wait(() => this.#received.indexOf(wanted) >= 0, `"${text}"`);
    const end = this.#received.indexOf(wanted) + wanted.length;
    const taken = this.#received.subarray(0, end).toString("latin1");
    this.#received = this.#received.subarray(end);
    return taken;
  }

  async bytes(count: number): Promise<Buffer> {
    await this.#wait(() => this.#received.length >= count, `${count} bytes`);
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }

  /** A response with a content-length. */
  async response(): Promise<{ status: number; head: string; body: string }> {
    const head = await this.until("\r\n\r\n");
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const body = (await this.bytes(length)).toString("latin1");
    return { status: Number(head.slice(9, 12)), head, body };
  }

  /** Everything until the peer ended or reset the connection. */
  async toEnd(): Promise<string> {
    await this.#wait(() => this.#isEnded, "the end");
    return this.#received.toString("latin1");
  }

  shutdown(): void {
    this.#socket.shutdown();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  close(): void {
    this.#socket.end();
  }

  onData(chunk: Uint8Array): void {
    this.totalBytes += chunk.length;
    this.#received = Buffer.concat([this.#received, chunk]);
    this.#wake();
  }

  onEnd(): void {
    this.#isEnded = true;
    this.#wake();
  }

  onClose(isReset: boolean): void {
    this.isReset ||= isReset;
    this.#isEnded = true;
    this.#wake();
  }

  /** Drops what was received so far: for transfers that a test only counts. */
  forget(): void {
    this.#received = Buffer.alloc(0);
  }

  async #wait(isDone: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + waitMs;
    while (!isDone()) {
      if (this.#isEnded)
        throw new Error(
          `the connection ended before ${what}; got ${JSON.stringify(this.#received.toString("latin1"))}`,
        );
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(
          `no ${what} within ${waitMs} ms; got ${JSON.stringify(this.#received.subarray(0, 500).toString("latin1"))}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

export interface RawServerSocket {
  /** What came since the last `take`. */
  received: string;
  readonly socket: Bun.Socket<RawServerSocket | undefined>;
}

export interface RawServer {
  readonly port: number;
  readonly connections: RawServerSocket[];
  stop(): void;
}

/** Calls `onData` with all that a connection has received so far. */
export function rawServer(
  onData: (peer: RawServerSocket, chunk: Uint8Array) => void,
  options: { readonly port?: number; readonly onOpen?: (peer: RawServerSocket) => void } = {},
): RawServer {
  const connections: RawServerSocket[] = [];
  const listener = Bun.listen<RawServerSocket | undefined>({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        const peer: RawServerSocket = { received: "", socket };
        socket.data = peer;
        connections.push(peer);
        options.onOpen?.(peer);
      },
      data(socket, chunk) {
        const peer = socket.data;
        if (peer === undefined) return;
        peer.received += chunk.toString("latin1");
        onData(peer, chunk);
      },
      end(socket) {
        socket.end();
      },
    },
  });
  return { port: listener.port, connections, stop: () => listener.stop(true) };
}

/** Answers every complete request head with the same response. */
export function cannedServer(response: string, options: { readonly port?: number } = {}): RawServer {
  return rawServer((peer) => {
    let end = peer.received.indexOf("\r\n\r\n");
    while (end >= 0) {
      peer.received = peer.received.slice(end + 4);
      peer.socket.write(response);
      end = peer.received.indexOf("\r\n\r\n");
    }
  }, options);
}
