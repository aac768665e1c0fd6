/**
 * A body whose receiver does not read stops at its sender, whichever versions of HTTP are spoken on either side, and goes on
 * when it does: what the two sidecars hold meanwhile is little.
 */
import { describe, expect, test } from "bun:test";
import { HeaderFields, type Http2Stream, type StreamSink } from "../../http2/index.ts";
import { Protocol } from "../../model/index.ts";
import { eventually, settles } from "../testing/eventually.ts";
import { Http2Client, Http2Server, requestLine } from "../testing/http2-peer.ts";
import { kernelBytes } from "../testing/kernel-bytes.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const size = 64 * 1_048_576;
/** Of two proxies and the test's own peers: windows and marks of 256 KB, and what one read of Bun's takes on each hop. */
const maxHeldBytes = 6 * 1_048_576;
const piece = Buffer.alloc(65_536, 0x61);
const length = String(size);

/** Sends as fast as it is let. */
class Source {
  sent = 0;

  /** `write` returns how much was taken and whether more is wanted. */
  fill(write: (bytes: Uint8Array) => readonly [taken: number, mayGoOn: boolean]): void {
    while (this.sent < size) {
      const [taken, mayGoOn] = write(piece.subarray(0, Math.min(piece.length, size - this.sent)));
      this.sent += Math.max(0, taken);
      if (!mayGoOn) return;
    }
  }

  fillSocket(socket: Bun.Socket<unknown>): void {
    this.fill((bytes) => {
      const taken = socket.write(bytes);
      return [taken, taken === bytes.length];
    });
  }

  fillStream(stream: Http2Stream): void {
    this.fill((bytes) => [bytes.length, stream.write(bytes)]);
    if (this.sent === size) stream.end();
  }
}

/** Counts what comes and reads only when it is told to. */
class Drain {
  /** Of an HTTP/1.1 message the head too. */
  received = 0;
  isPaused = false;
  resume: () => void = () => {};
}

class Http2Body implements StreamSink {
  readonly #source: Source | undefined;
  readonly #drain: Drain | undefined;
  stream: Http2Stream | undefined;

  constructor(source: Source | undefined, drain: Drain | undefined) {
    this.#source = source;
    this.#drain = drain;
  }

  onHead(): void {}
  onInterim(): void {}
  onEnd(): void {}
  onClose(): void {}

  onData(chunk: Uint8Array): void {
    if (this.#drain !== undefined) this.#drain.received += chunk.length;
  }

  onDrain(): void {
    if (this.stream !== undefined) this.#source?.fillStream(this.stream);
  }
}

interface Application {
  readonly port: number;
  stop(): void;
}

/** With a source it answers with a large body; with a drain it stops reading behind the request's head. */
function application(version: 1 | 2, source: Source | undefined, drain: Drain | undefined): Application {
  if (version === 2) {
    const server = new Http2Server((request) => {
      const body = new Http2Body(source, drain);
      body.stream = request.stream;
      request.stream.sink = body;
      if (drain !== undefined) {
        drain.resume = () => request.stream.resume();
        drain.isPaused = true;
        request.stream.pause();
      }
      if (source === undefined) return;
      request.stream.sendHead(
        HeaderFields.of([
          [":status", "200"],
          ["content-length", length],
        ]),
        false,
      );
      source.fillStream(request.stream);
    });
    return { port: server.port, stop: () => server.stop() };
  }
  const listener = Bun.listen<{ hasBegun: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { hasBegun: false };
      },
      data: (socket, chunk) => {
        if (drain !== undefined) drain.received += chunk.length;
        if (socket.data.hasBegun) return;
        socket.data.hasBegun = true;
        if (drain !== undefined) {
          drain.resume = () => socket.resume();
          drain.isPaused = true;
          socket.pause();
        }
        if (source === undefined) return;
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
        source.fillSocket(socket);
      },
      drain: (socket) => source?.fillSocket(socket),
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}

/** With a source it uploads; with a drain it downloads and does not read on. */
async function client(
  version: 1 | 2,
  port: number,
  source: Source | undefined,
  drain: Drain | undefined,
): Promise<void> {
  if (version === 2) {
    const peer = await Http2Client.connect(port);
    const body = new Http2Body(source, drain);
    const fields = [...requestLine(source === undefined ? "GET" : "POST", "/")];
    if (source !== undefined) fields.push(["content-length", length]);
    const stream = peer.session.request(HeaderFields.of(fields), source === undefined, body);
    if (stream === undefined) throw new Error("no stream");
    body.stream = stream;
    if (drain !== undefined) {
      drain.resume = () => stream.resume();
      drain.isPaused = true;
      stream.pause();
    }
    source?.fillStream(stream);
    return;
  }
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        if (source === undefined) {
          socket.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
        } else {
          socket.write(`POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: ${length}\r\n\r\n`);
          source.fillSocket(socket);
        }
      },
      data(socket, chunk) {
        if (drain === undefined) return;
        if (drain.received === 0) {
          drain.resume = () => socket.resume();
          drain.isPaused = true;
          socket.pause();
        }
        drain.received += chunk.length;
      },
      drain: (socket) => source?.fillSocket(socket),
    },
  });
}

describe.each([
  [1, 1],
  [1, 2],
  [2, 1],
  [2, 2],
] as const)("HTTP/%d from the client, HTTP/%d at the application", (clientVersion, applicationVersion) => {
  test.each(["upload", "download"] as const)(
    "an %s to nobody who reads",
    async (direction) => {
      await using mesh = new TestMesh();
      const source = new Source();
      const drain = new Drain();
      const isUpload = direction === "upload";
      const app = application(
        applicationVersion,
        isUpload ? undefined : source,
        isUpload ? drain : undefined,
      );
      const protocol = applicationVersion === 2 ? Protocol.HTTP2 : Protocol.HTTP;
      const server = await mesh.server("echo-1", app.port, protocol);
      const { port, proxy } = await mesh.client([server.endpoint]);
      await client(clientVersion, port, isUpload ? source : undefined, isUpload ? undefined : drain);
      const isPaused = (): boolean =>
        drain.isPaused &&
        [proxy, server.proxy].some((each) =>
          /^weft_limit_reached_total\{limit="max_buffered_body_bytes"\} [1-9]/m.test(each.metricsText()),
        );
      await eventually(isPaused, "a sender is paused");
      await settles(() => source.sent);
      expect(source.sent).toBeLessThan(size);
      expect(source.sent - drain.received - kernelBytes()).toBeLessThan(maxHeldBytes);
      drain.resume();
      await eventually(() => drain.received >= size, "all of it");
      expect(source.sent).toBe(size);
      app.stop();
    },
    60_000,
  );
});
