/** Against Node's own node:http2 where things are narrow: small windows, heads of several frames, tunnels, many streams. */
import { expect, test } from "bun:test";
import { systemClock } from "../kernel/index.ts";
import { connect, Connection, listen, type Listener } from "../net/index.ts";
import { Http2ClientSession } from "./client-session.ts";
import { HeaderFields } from "./header-fields.ts";
import type { Http2Limits } from "./limits.ts";
import { Http2ServerSession } from "./server-session.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";

const node = Bun.which("node");
const largeValue = "0123456789".repeat(2_000); // a head needs two frames
const narrow: Partial<Http2Limits> = { streamWindowBytes: 1_000, connectionWindowBytes: 65_535 };

/** Sends back what it gets: body, `x-large`, and as trailer the number of bytes. */
class Echo implements StreamSink {
  readonly #stream: Http2Stream;
  readonly #isTunnel: boolean;
  #bytes = 0;

  constructor(stream: Http2Stream, request: HeaderFields) {
    this.#stream = stream;
    this.#isTunnel = request.get(":method") === "CONNECT";
    const head = HeaderFields.of([[":status", "200"]]);
    const large = request.get("x-large");
    stream.sendHead(large === undefined ? head : head.add("x-large", large), false);
  }
  onHead(): void {}
  onInterim(): void {}
  onData(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (!this.#stream.write(chunk)) this.#stream.pause();
  }
  onEnd(): void {
    if (this.#isTunnel) this.#stream.end();
    else this.#stream.end(HeaderFields.of([["x-bytes", String(this.#bytes)]]));
  }
  onDrain(): void {
    this.#stream.resume();
  }
  onClose(): void {}
}

function echoServer(): Listener {
  return listen({
    onConnection(connection) {
      new Http2ServerSession(
        connection,
        {
          onStream(stream, request, isEnd) {
            const echo = new Echo(stream, request);
            stream.sink = echo;
            if (isEnd) echo.onEnd();
          },
          onClose() {},
        },
        { clock: systemClock, limits: narrow, acceptsExtendedConnect: true },
      );
    },
  });
}

const sizes = Array.from({ length: 40 }, (_, i) => (i * 997) % 20_000);

async function outputOf(script: string): Promise<string[]> {
  const child = Bun.spawn([node ?? "node", "-e", script], { stdout: "pipe", stderr: "pipe" });
  const lines = (await new Response(child.stdout).text()).trim().split("\n");
  expect(await new Response(child.stderr).text()).toBe("");
  return lines;
}

test.skipIf(node === null)("serves Node's client: many streams, large heads, small windows", async () => {
  const listener = echoServer();
  const lines = await outputOf(`
    const http2 = require("node:http2");
    const client = http2.connect("http://127.0.0.1:${listener.port}", { settings: { initialWindowSize: 1000 } });
    const large = ${JSON.stringify(largeValue)};
    const sizes = ${JSON.stringify(sizes)};
    let left = sizes.length;
    sizes.forEach((size, i) => {
      const request = client.request({ ":method": "POST", ":path": "/" + i, "x-large": large });
      let bytes = 0, same, trailer;
      request.on("response", (h) => { same = h["x-large"] === large; });
      request.on("trailers", (t) => { trailer = t["x-bytes"]; });
      request.on("data", (c) => { for (const byte of c) if (byte === i) bytes++; });
      request.on("close", () => { console.log(i, same, bytes, trailer); if (--left === 0) client.close(); });
      request.end(Buffer.alloc(size, i));
    });`);
  expect(lines.toSorted()).toEqual(sizes.map((size, i) => `${i} true ${size} ${size}`).toSorted());
  listener.closeAll();
});

test.skipIf(node === null)("serves Node's client a tunnel by extended CONNECT", async () => {
  const listener = echoServer();
  const lines = await outputOf(`
    const http2 = require("node:http2");
    const client = http2.connect("http://127.0.0.1:${listener.port}");
    client.once("remoteSettings", (settings) => {
      console.log(settings.enableConnectProtocol);
      const tunnel = client.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/chat" });
      tunnel.on("response", (h) => { console.log(h[":status"]); tunnel.write("one"); });
      let text = "";
      tunnel.on("data", (c) => { text += c; if (text === "one") tunnel.end("two"); });
      tunnel.on("end", () => { console.log(text); client.close(); });
    });`);
  expect(lines).toEqual(["true", "200", "onetwo"]);
  listener.closeAll();
});

/** Keeps a response: status, whether the large field came back, the sum of its bytes, the trailer. */
class Collector implements StreamSink {
  readonly done = Promise.withResolvers<string>();
  onFirstData: (() => void) | undefined = undefined;
  #head = "";
  #bytes = 0;
  #trailer = "";
  onHead(fields: HeaderFields): void {
    this.#head = `${fields.get(":status")} ${fields.get("x-large") === largeValue}`;
  }
  onInterim(): void {}
  onData(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    this.onFirstData?.();
    this.onFirstData = undefined;
  }
  onEnd(trailers: HeaderFields | undefined): void {
    this.#trailer = trailers?.get("x-trailer") ?? "";
  }
  onDrain(): void {}
  onClose(outcome: StreamOutcome): void {
    this.done.resolve(`${outcome.kind} ${this.#head} ${this.#bytes} ${this.#trailer}`.trimEnd());
  }
}

interface NodeServer extends AsyncDisposable {
  readonly session: Http2ClientSession;
}

/** Node's server, and a client of ours whose settings exchange is over. */
async function nodeServer(): Promise<NodeServer> {
  const script = `
    const http2 = require("node:http2");
    const server = http2.createServer({ settings: { initialWindowSize: 1000, enableConnectProtocol: true } });
    server.on("stream", (stream, headers) => {
      const isTunnel = headers[":method"] === "CONNECT";
      const head = { ":status": 200 };
      if (headers["x-large"] !== undefined) head["x-large"] = headers["x-large"];
      stream.respond(head, { waitForTrailers: !isTunnel });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-trailer": "yes" }));
      stream.pipe(stream);
    });
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
  const child = Bun.spawn([node ?? "node", "-e", script], { stdout: "pipe", stderr: "inherit" });
  const port = Number(new TextDecoder().decode((await child.stdout.getReader().read()).value));
  const connected = Promise.withResolvers<Connection>();
  connect({ address: "127.0.0.1", port, timeoutMs: 5000 }, (result) => {
    if (result instanceof Connection) connected.resolve(result);
    else connected.reject(new Error(result.detail));
  });
  const settled = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const session = new Http2ClientSession(
    await connected.promise,
    { onCapacity: () => settled.resolve(), onClose: () => closed.resolve() },
    { clock: systemClock, limits: narrow },
  );
  await settled.promise;
  return {
    session,
    async [Symbol.asyncDispose]() {
      session.close();
      await closed.promise;
      child.kill();
      await child.exited;
    },
  };
}

test.skipIf(node === null)("calls Node's server: many streams, large heads, small windows", async () => {
  await using server = await nodeServer();
  const results = sizes.map((size, i) => {
    const sink = new Collector();
    const fields = HeaderFields.of([
      [":method", "POST"],
      [":scheme", "http"],
      [":path", `/${i}`],
      [":authority", "node"],
      ["x-large", largeValue],
    ]);
    server.session.request(fields, false, sink)?.write(new Uint8Array(size), true);
    return sink.done.promise;
  });
  expect(await Promise.all(results)).toEqual(sizes.map((size) => `done 200 true ${size} yes`));
});

test.skipIf(node === null)("opens a tunnel through Node's server by extended CONNECT", async () => {
  await using server = await nodeServer();
  expect(server.session.peerAcceptsExtendedConnect).toBe(true);
  const sink = new Collector();
  const fields = HeaderFields.of([
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    [":scheme", "http"],
    [":path", "/chat"],
    [":authority", "node"],
  ]);
  const stream = server.session.request(fields, false, sink);
  sink.onFirstData = () => stream?.write(new Uint8Array(5), true);
  stream?.write(new Uint8Array(3));
  expect(await sink.done.promise).toBe("done 200 false 8");
});
