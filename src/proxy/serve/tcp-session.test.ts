/** A TCP session through two sidecars under stress: bounded memory, ends and resets as they were, idleness. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { LimitsSchema, MeshSchema, Protocol } from "../../model/index.ts";
import { eventually, scrape, settles } from "../testing/eventually.ts";
import { kernelBytes } from "../testing/kernel-bytes.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const tcp = { protocol: Protocol.TCP };
const megabyte = 1_048_576;
/**
 * Four connections' high-water marks (256 KiB each, `defaultHighWaterBytes`) and for each the chunk (up to 512 KiB) that
 * was being delivered when it was reached.
 */
const maxProxyBytes = 4 * (262_144 + 524_288);

test.each([0, 1, 100, 40_000])(
  "a reset of the server's is the client's, behind the %d bytes before it",
  async (count) => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      if (count > 0) peer.socket.write(Buffer.alloc(count, "x"));
      peer.socket.terminate();
    });
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], tcp);
    for (let i = 0; i < 20; i++) {
      const peer = await RawClient.connect(client.port);
      peer.write("go");
      expect((await peer.toEnd()).length).toBe(count);
      await eventually(() => peer.isReset, "reset");
    }
    app.stop();
  },
);

test("a reset of the client's is the server's, behind the bytes before it", async () => {
  await using mesh = new TestMesh();
  let received = 0;
  const ends: boolean[] = [];
  const app = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      data: (_socket, chunk) => void (received += chunk.length),
      end: (socket) => void socket.end(),
      close: (_socket, error) => void ends.push(error !== undefined && error !== null),
    },
  });
  const server = await mesh.server("echo-1", app.port, Protocol.TCP);
  const client = await mesh.client([server.endpoint], tcp);
  for (let i = 0; i < 10; i++) {
    const peer = await RawClient.connect(client.port);
    peer.write(Buffer.alloc(40_000));
    // What a socket still holds when it resets is its own loss.
    await eventually(() => received === 40_000 * (i + 1), "it all");
    peer.terminate();
  }
  await eventually(() => ends.length === 10, "all are closed");
  expect(ends).toEqual(Array<boolean>(10).fill(true));
  app.stop(true);
});

describe("a reader that stands still stops the writer", () => {
  /** What was taken from a writer less what the kernel holds: the proxies' own. */
  test("towards the client", async () => {
    await using mesh = new TestMesh();
    let sent = 0;
    const chunk = Buffer.alloc(65_536);
    const send = (socket: Bun.Socket<unknown>): void => {
      for (;;) {
        const written = socket.write(chunk);
        sent += Math.max(0, written);
        if (written < chunk.length) return;
      }
    };
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: send, drain: send, data() {} },
    });
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], tcp);
    const peer = await RawClient.connect(client.port);
    await peer.bytes(1);
    peer.pause();
    await settles(() => sent);
    expect(sent - peer.totalBytes - kernelBytes()).toBeLessThanOrEqual(maxProxyBytes);
    app.stop(true);
  });

  test("towards the server", async () => {
    await using mesh = new TestMesh();
    let received = 0;
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket, chunk) {
          received += chunk.length;
          socket.pause();
        },
      },
    });
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], tcp);
    const peer = await RawClient.connect(client.port);
    const total = 96 * megabyte;
    const chunk = Buffer.alloc(megabyte);
    for (let i = 0; i < total; i += chunk.length) peer.write(chunk);
    const taken = (): number => total - peer.unsentBytes;
    await eventually(() => received > 0, "the first bytes");
    await settles(taken);
    expect(taken() - received - kernelBytes()).toBeLessThanOrEqual(maxProxyBytes);
    expect(taken()).toBeLessThan(total);
    app.stop(true);
  });
});

test("sixty-four megabytes both ways at once, each side ending its own, arrive whole", async () => {
  await using mesh = new TestMesh();
  const size = 64 * megabyte;
  const block = Buffer.alloc(megabyte);
  for (let i = 0; i < megabyte; i += 4) block.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
  const hashOfAll = new Bun.CryptoHasher("sha256");
  for (let i = 0; i < size; i += megabyte) hashOfAll.update(block);
  const expected = hashOfAll.digest("hex");
  const open = Promise.withResolvers<void>();
  const atServer = new Transfer(block, size);
  const app = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      open: (socket) => atServer.send(socket),
      drain: (socket) => atServer.send(socket),
      data: (_socket, chunk) => atServer.take(chunk),
      end: () => void (atServer.isEnded = true),
    },
  });
  const server = await mesh.server("echo-1", app.port, Protocol.TCP);
  const client = await mesh.client([server.endpoint], tcp);
  const atClient = new Transfer(block, size);
  await Bun.connect({
    hostname: "127.0.0.1",
    port: client.port,
    allowHalfOpen: true,
    socket: {
      open: (socket) => atClient.send(socket),
      drain: (socket) => atClient.send(socket),
      data: (_socket, chunk) => atClient.take(chunk),
      end: () => void (atClient.isEnded = true),
      // After our own end the peer's is told by the close alone.
      close: () => open.resolve(),
    },
  });
  await open.promise;
  await eventually(() => atServer.received === size && atClient.received === size, "all of it");
  expect([atServer.digest(), atClient.digest()]).toEqual([expected, expected]);
  await eventually(
    async () => (await scrape(client.proxy)).includes("weft_requests_in_flight 0"),
    "both sides are closed",
  );
  expect(client.agent.telemetry?.take()?.edges[0]).toMatchObject({
    responseClass: "ok",
    requestBytes: BigInt(size),
    responseBytes: BigInt(size),
  });
  app.stop(true);
}, 60_000);

/** One end of a transfer: sends `size` bytes of blocks and then FIN, hashes what comes. */
class Transfer {
  readonly #block: Buffer;
  readonly #size: number;
  readonly #hash = new Bun.CryptoHasher("sha256");
  #sent = 0;
  received = 0;
  isEnded = false;

  constructor(block: Buffer, size: number) {
    this.#block = block;
    this.#size = size;
  }

  send(socket: Bun.Socket<unknown>): void {
    while (this.#sent < this.#size) {
      const at = this.#sent % this.#block.length;
      const written = socket.write(this.#block.subarray(at, at + 65_536));
      if (written <= 0) return;
      this.#sent += written;
      if (this.#sent === this.#size) socket.shutdown();
    }
  }

  take(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.received += chunk.length;
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}

describe("a session that carries nothing", () => {
  async function quiet(mesh: TestMesh, limits: { tcpIdleTimeoutMs: number } | undefined) {
    const clock = new VirtualClock();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], tcp, {
      clock,
      change: (configuration) => ({
        ...configuration,
        mesh: create(MeshSchema, {
          ...mesh.mesh,
          ...(limits && { limits: create(LimitsSchema, limits) }),
        }),
      }),
    });
    const peer = await RawClient.connect(client.port);
    peer.write("a");
    await peer.until("a");
    return { app, clock, client, peer };
  }

  test.each([
    ["the mesh's limit", { tcpIdleTimeoutMs: 60_000 }, 60_000],
    ["an hour where there are no limits", undefined, 3_600_000],
  ])("is reset after %s, counted from the last byte", async (_name, limits, timeoutMs) => {
    await using mesh = new TestMesh();
    const { app, clock, client, peer } = await quiet(mesh, limits);
    clock.advance(timeoutMs - 5_000);
    peer.write("b");
    await peer.until("b");
    clock.advance(timeoutMs - 5_000);
    peer.write("c");
    await peer.until("c");
    clock.advance(timeoutMs + 5_000);
    await peer.toEnd();
    await eventually(() => peer.isReset, "reset");
    expect(await scrape(client.proxy)).toContain('error_type="idle_timeout"');
    app.stop();
  });

  test("stays where the limit is none", async () => {
    await using mesh = new TestMesh();
    const { app, clock, peer } = await quiet(mesh, { tcpIdleTimeoutMs: 0 });
    clock.advance(24 * 3_600_000);
    peer.write("b");
    await peer.until("b");
    app.stop();
  });
});
