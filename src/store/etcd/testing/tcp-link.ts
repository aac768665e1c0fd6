/** A way to a server that a test can cut: partition, lost answers. One byte relay for each connection. */
import type { Socket, TCPSocketListener } from "bun";

export type LinkState =
  /** Bytes go both ways. */
  | "whole"
  /** What the server answers is lost; what is sent to it arrives. */
  | "deaf"
  /** Nothing goes either way, and no new connection comes through. */
  | "cut";

interface Pair {
  client: Socket<Pair> | undefined;
  server: Socket<Pair> | undefined;
  early: Buffer[];
}

export class TcpLink implements Disposable {
  readonly #listener: TCPSocketListener<Pair>;
  readonly #pairs = new Set<Pair>();
  readonly #target: number;
  #state: LinkState = "whole";
  /** Called with what clients send, before it is passed on. */
  onSent: (bytes: Uint8Array) => void = () => {};

  constructor(target: number) {
    this.#target = target;
    this.#listener = Bun.listen<Pair>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => void this.#accept(socket),
        data: (socket, bytes) => this.#sent(socket.data, bytes),
        close: (socket) => this.#end(socket.data),
        error: (socket) => this.#end(socket.data),
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  set state(state: LinkState) {
    this.#state = state;
    if (state === "whole") for (const pair of [...this.#pairs]) this.#end(pair);
  }

  /** Ends what is open. */
  reset(): void {
    for (const pair of [...this.#pairs]) this.#end(pair);
  }

  [Symbol.dispose](): void {
    this.reset();
    this.#listener.stop(true);
  }

  async #accept(client: Socket<Pair>): Promise<void> {
    const pair: Pair = { client, server: undefined, early: [] };
    client.data = pair;
    this.#pairs.add(pair);
    if (this.#state === "cut") return;
    try {
      pair.server = await Bun.connect<Pair>({
        hostname: "127.0.0.1",
        port: this.#target,
        data: pair,
        socket: {
          data: (_, bytes) => {
            if (this.#state === "whole") client.write(bytes);
          },
          close: () => this.#end(pair),
          error: () => this.#end(pair),
        },
      });
      for (const bytes of pair.early) pair.server.write(bytes);
      pair.early = [];
    } catch {
      this.#end(pair);
    }
  }

  #sent(pair: Pair, bytes: Buffer): void {
    this.onSent(bytes);
    if (this.#state === "cut") return;
    if (pair.server === undefined) pair.early.push(Buffer.from(bytes));
    else pair.server.write(bytes);
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.client?.end();
    pair.server?.end();
  }
}
