/** A TCP line between two processes that a fault can cut, make slow, or let damage what passes. */
import type { Socket } from "bun";

export type Mode =
  | { readonly kind: "whole" }
  /** Nothing passes and nothing is told, as behind a firewall that drops. */
  | { readonly kind: "silent" }
  /** Connections are reset, new ones refused. */
  | { readonly kind: "cut" }
  | { readonly kind: "slow"; readonly delayMs: number }
  /** About one of so many chunks has a byte changed. */
  | { readonly kind: "damaged"; readonly oneOf: number; readonly random: () => number };

interface End {
  readonly pair: Pair;
  readonly isClient: boolean;
}

/** What waits for one side; beyond it the sender is paused. */
const maxWaitingBytes = 4 * 1_048_576;

export class CutLine implements Disposable {
  readonly port: number;
  readonly #target: { readonly hostname: string; readonly port: number };
  readonly #listener: Bun.TCPSocketListener<End | undefined>;
  readonly #pairs = new Set<Pair>();
  #mode: Mode = { kind: "whole" };

  constructor(target: { readonly hostname: string; readonly port: number }) {
    this.#target = target;
    this.#listener = Bun.listen<End | undefined>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (client) => {
          if (this.#mode.kind === "cut") return client.terminate();
          const pair = new Pair(client, this);
          this.#pairs.add(pair);
          client.data = { pair, isClient: true };
          pair.connect(this.#target);
        },
        ...handlers,
      },
    });
    this.port = this.#listener.port;
  }

  get mode(): Mode {
    return this.#mode;
  }

  set mode(mode: Mode) {
    const before = this.#mode;
    this.#mode = mode;
    if (mode.kind === "cut") for (const pair of [...this.#pairs]) pair.end();
    // What was swallowed is missing: such connections are of no use any more.
    if (before.kind === "silent" && mode.kind !== "silent") for (const pair of [...this.#pairs]) pair.end();
  }

  forget(pair: Pair): void {
    this.#pairs.delete(pair);
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
    for (const pair of [...this.#pairs]) pair.end();
  }
}

class Pair {
  readonly #line: CutLine;
  readonly #client: Socket<End | undefined>;
  #server: Socket<End | undefined> | undefined;
  readonly #waiting = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  #isOver = false;

  constructor(client: Socket<End | undefined>, line: CutLine) {
    this.#client = client;
    this.#line = line;
  }

  connect(target: { readonly hostname: string; readonly port: number }): void {
    const data: End = { pair: this, isClient: false };
    void this.#open(Bun.connect<End | undefined>({ ...target, data, socket: handlers }));
  }

  async #open(connecting: Promise<Socket<End | undefined>>): Promise<void> {
    const server = await connecting.catch(() => undefined);
    if (server === undefined) return this.end();
    if (this.#isOver) return void server.terminate();
    this.#server = server;
    this.drain("server");
  }

  take(isFromClient: boolean, bytes: Uint8Array): void {
    const mode = this.#line.mode;
    const side = isFromClient ? "server" : "client";
    if (mode.kind === "silent") return;
    const copy = Uint8Array.from(bytes);
    if (mode.kind === "damaged" && mode.random() * mode.oneOf < 1) {
      const at = Math.floor(mode.random() * copy.length);
      copy[at] = (copy[at] ?? 0) ^ 1;
    }
    if (mode.kind !== "slow") return this.#put(side, copy);
    setTimeout(() => this.#put(side, copy), mode.delayMs);
  }

  drain(side: "client" | "server"): void {
    const to = side === "client" ? this.#client : this.#server;
    const queue = this.#waiting[side];
    if (to === undefined) return;
    while (!this.#isOver && queue.length > 0) {
      const [first = new Uint8Array()] = queue;
      const written = to.write(first);
      if (written < 0) return this.end();
      if (written < first.length) {
        queue[0] = first.subarray(written);
        return;
      }
      queue.shift();
    }
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#line.forget(this);
    this.#client.terminate();
    this.#server?.terminate();
  }

  #put(side: "client" | "server", bytes: Uint8Array): void {
    if (this.#isOver) return;
    const queue = this.#waiting[side];
    queue.push(bytes);
    if (queue.reduce((sum, { length }) => sum + length, 0) > maxWaitingBytes) return this.end();
    this.drain(side);
  }
}

const handlers = {
  data(socket: Socket<End | undefined>, bytes: Uint8Array): void {
    socket.data?.pair.take(socket.data.isClient, bytes);
  },
  drain(socket: Socket<End | undefined>): void {
    socket.data?.pair.drain(socket.data.isClient ? "client" : "server");
  },
  close(socket: Socket<End | undefined>): void {
    socket.data?.pair.end();
  },
  error(socket: Socket<End | undefined>): void {
    socket.data?.pair.end();
  },
};
