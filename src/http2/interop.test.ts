/** Against Bun's and (where installed) Node's own node:http2, over real sockets. */
import { expect, test } from "bun:test";
import http2 from "node:http2";
import { systemClock } from "../kernel/index.ts";
import { connect, Connection, listen } from "../net/index.ts";
import { Http2ClientSession } from "./client-session.ts";
import { HeaderFields } from "./header-fields.ts";
import { Http2ServerSession } from "./server-session.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";

/** Answers with the request's path and body, and trailers. */
class Echo implements StreamSink {
  readonly #stream: Http2Stream;
  #bytes = 0;

  constructor(stream: Http2Stream, request: HeaderFields) {
    this.#stream = stream;
    const odd = request.get("x-odd");
    const head = HeaderFields.of([
      [":status", "200"],
      ["x-path", request.get(":path") ?? ""],
    ]);
    stream.sendHead(odd === undefined ? head : head.add("x-odd", odd), false);
  }
  onHead(): void {}
  onInterim(): void {}
  onData(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (!this.#stream.write(chunk)) this.#stream.pause();
  }
  onEnd(): void {
    this.#stream.end(HeaderFields.of([["x-bytes", String(this.#bytes)]]));
  }
  onDrain(): void {
    this.#stream.resume();
  }
  onClose(): void {}
}

function echoServer() {
  const sessions: Http2ServerSession[] = [];
  const listener = listen({
    onConnection(connection) {
      const session = new Http2ServerSession(
        connection,
        {
          onStream(stream, request, isEnd) {
            const echo = new Echo(stream, request);
            stream.sink = echo;
            if (isEnd) echo.onEnd();
          },
          onClose() {},
        },
        { clock: systemClock },
      );
      sessions.push(session);
    },
  });
  return { listener, sessions };
}

const oddValue = Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join("");

test("serves Bun's client: many streams, large bodies both ways, trailers", async () => {
  const { listener } = echoServer();
  const client = http2.connect(`http://127.0.0.1:${listener.port}`);
  const sizes = [0, 1, 1000, 65_535, 65_536, 300_000, 1_000_000];
  const results = await Promise.all(
    sizes.map((size, index) => {
      const { promise, resolve, reject } = Promise.withResolvers<[string, number, string]>();
      const request = client.request({ ":method": "POST", ":path": `/echo/${index}` });
      let path = "";
      let trailer = "";
      let received = 0;
      request.on("response", (headers) => (path = String(headers["x-path"])));
      request.on("trailers", (trailers) => (trailer = String(trailers["x-bytes"])));
      request.on("data", (chunk: Buffer) => (received += chunk.length));
      request.on("end", () => resolve([path, received, trailer]));
      request.on("error", reject);
      request.end(Buffer.alloc(size, index));
      return promise;
    }),
  );
  expect(results).toEqual(sizes.map((size, index) => [`/echo/${index}`, size, String(size)]));
  client.destroy();
  listener.closeAll();
});

const node = Bun.which("node");

/** nghttp2's own coder reads what ours wrote, rare Huffman codes included. */
test.skipIf(node === null)("serves Node's client, field by field the same", async () => {
  const { listener } = echoServer();
  const script = `
    const http2 = require("node:http2");
    const client = http2.connect("http://127.0.0.1:${listener.port}");
    const odd = Buffer.from(${JSON.stringify(Buffer.from(oddValue, "latin1").toString("base64"))}, "base64").toString("latin1");
    let left = 3;
    for (let i = 0; i < 3; i++) {
      const request = client.request({ ":method": "POST", ":path": "/n/" + i, "x-odd": odd });
      let bytes = 0, head, same;
      request.on("response", (h) => { head = h[":status"]; same = h["x-odd"] === odd; });
      request.on("trailers", (t) => console.log(i, head, same, bytes, t["x-bytes"]));
      request.on("data", (c) => { bytes += c.length; });
      request.on("close", () => { if (--left === 0) client.close(); });
      request.end(Buffer.alloc(i * 200000));
    }`;
  const child = Bun.spawn([node ?? "node", "-e", script], { stdout: "pipe", stderr: "pipe" });
  const output = await new Response(child.stdout).text();
  expect(await new Response(child.stderr).text()).toBe("");
  expect(output.trim().split("\n").toSorted()).toEqual([
    "0 200 true 0 0",
    "1 200 true 200000 200000",
    "2 200 true 400000 400000",
  ]);
  listener.closeAll();
});

/** Collects a response. */
class Collector implements StreamSink {
  readonly done = Promise.withResolvers<string>();
  #status = "";
  #bytes = 0;
  #trailer = "";
  onHead(fields: HeaderFields): void {
    this.#status = `${fields.get(":status")} ${fields.get("x-odd") === oddValue}`;
  }
  onInterim(): void {}
  onData(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
  }
  onEnd(trailers: HeaderFields | undefined): void {
    this.#trailer = trailers?.get("x-trailer") ?? "";
  }
  onDrain(): void {}
  onClose(outcome: StreamOutcome): void {
    this.done.resolve(`${outcome.kind} ${this.#status} ${this.#bytes} ${this.#trailer}`.trimEnd());
  }
}

test.skipIf(node === null)("calls Node's server: bodies both ways, trailers, GOAWAY", async () => {
  const script = `
    const http2 = require("node:http2");
    const server = http2.createServer();
    server.on("stream", (stream, headers) => {
      stream.respond({ ":status": 200, "x-odd": headers["x-odd"] }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-trailer": "yes" }));
      stream.pipe(stream);
    });
    server.on("session", (session) => process.stdin.once("data", () => session.close()));
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
  const child = Bun.spawn([node ?? "node", "-e", script], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));
  const connected = Promise.withResolvers<Connection>();
  connect({ address: "127.0.0.1", port, timeoutMs: 5000 }, (result) => {
    if (result instanceof Connection) connected.resolve(result);
    else connected.reject(new Error(result.detail));
  });
  const closed = Promise.withResolvers<string>();
  const session = new Http2ClientSession(
    await connected.promise,
    { onClose: (end) => closed.resolve(end.code) },
    { clock: systemClock },
  );
  const send = (bytes: number): Promise<string> => {
    const sink = new Collector();
    const fields = HeaderFields.of([
      [":method", "POST"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "node"],
      ["x-odd", oddValue],
    ]);
    const stream = session.request(fields, false, sink);
    stream?.write(new Uint8Array(bytes));
    stream?.end();
    return sink.done.promise;
  };
  expect(await Promise.all([send(0), send(10), send(500_000)])).toEqual([
    "done 200 true 0 yes",
    "done 200 true 10 yes",
    "done 200 true 500000 yes",
  ]);
  void child.stdin.write("go\n");
  void child.stdin.flush();
  expect(await closed.promise).toBe("no_error");
  child.kill();
});
