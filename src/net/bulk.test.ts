/** Much data and many connections: every byte arrives, and nothing is left behind. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { Connection } from "./connection.ts";
import { listen } from "./listen.ts";
import { makeRoot, meshClient, meshServer } from "./testdata/certificates.ts";
import { connected, makePair, RecordingSink } from "./testdata/peers.ts";

const root = makeRoot("root");
const identity = root.issue();
const totalBytes = 64 * 1024 * 1024;

/** Sends `totalBytes` in random pieces as fast as `write` allows, reads the same from the peer, half-closes. */
class Transfer {
  readonly #connection: Connection;
  readonly #sent = new Bun.CryptoHasher("sha256");
  readonly #received = new Bun.CryptoHasher("sha256");
  readonly #source = crypto.getRandomValues(new Uint8Array(65_536));
  readonly #closed = Promise.withResolvers<string>();
  #left = totalBytes;
  ended = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.sink = {
      onData: (chunk) => {
        this.#received.update(chunk);
        // Now and then the reader is slow.
        if (chunk.length % 13 === 0) {
          connection.pause();
          setTimeout(() => connection.resume(), 1);
        }
      },
      onDrain: () => this.send(),
      onEnd: () => {
        this.ended = true;
      },
      onClose: (cause) => this.#closed.resolve(cause),
    };
  }

  send(): void {
    while (this.#left > 0) {
      const count = Math.min(this.#left, 1 + Math.floor(Math.random() ** 4 * 65_536));
      const start = Math.floor(Math.random() * (65_536 - count));
      const piece = this.#source.subarray(start, start + count);
      this.#left -= count;
      this.#sent.update(piece);
      const goesOn =
        count % 2 === 0 ? this.#connection.write(piece) : this.#connection.give(Uint8Array.from(piece));
      if (!goesOn) return;
    }
    this.#connection.shutdown();
  }

  async digests(): Promise<{ sent: string; received: string; cause: string }> {
    const cause = await this.#closed.promise;
    return { sent: this.#sent.digest("hex"), received: this.#received.digest("hex"), cause };
  }
}

const kinds = [
  ["plain", {}, {}],
  ["TLS", { tls: meshServer(identity) }, { tls: meshClient(identity, root.pem) }],
] as const;

describe.each(kinds)("%s", (_name, listenOptions, connectOptions) => {
  test("64 MB both ways at once with slow readers and half-close", async () => {
    await using ends = await makePair(listenOptions, connectOptions);
    const client = new Transfer(ends.client);
    const server = new Transfer(ends.server);
    client.send();
    server.send();
    const [clientSide, serverSide] = await Promise.all([client.digests(), server.digests()]);
    expect(clientSide.received).toBe(serverSide.sent);
    expect(serverSide.received).toBe(clientSide.sent);
    expect([clientSide.cause, serverSide.cause]).toEqual(["ended", "ended"]);
  }, 60_000);

  test("1,000 connections leave no descriptor behind", async () => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    const closes: string[] = [];
    const listener = listen({
      ...listenOptions,
      onConnection(connection) {
        connection.sink = {
          onData: (chunk) => void connection.write(chunk),
          onDrain() {},
          onEnd: () => connection.shutdown(),
          onClose: (cause) => closes.push(cause),
        };
      },
    });
    const exchange = async (n: number): Promise<void> => {
      const client = await connected({
        address: "127.0.0.1",
        port: listener.port,
        timeoutMs: 10_000,
        ...connectOptions,
      });
      if (!(client instanceof Connection)) throw new Error(client.detail);
      const sink = new RecordingSink();
      client.sink = sink;
      client.write(Uint8Array.of(n & 0xff));
      await sink.until(() => sink.bytes === 1, "the echo");
      if (n % 3 === 0) client.terminate();
      else if (n % 3 === 1) client.shutdown();
      else client.close();
      await sink.until(() => sink.events.at(-1)?.startsWith("close") === true, "the end");
    };
    await exchange(0);
    const before = descriptors();
    for (let n = 0; n < 1_000; n += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => exchange(n + i)));
    }
    const deadline = Date.now() + 30_000;
    while ((listener.connections > 0 || descriptors() > before) && Date.now() < deadline) await Bun.sleep(5);
    expect(listener.connections).toBe(0);
    expect(closes.length).toBe(1_001);
    expect(descriptors()).toBeLessThanOrEqual(before);
    listener.closeAll();
  }, 60_000);
});
