#!/usr/bin/env bun
/**
 * The HTTP/2 codec with nothing behind it, for h2spec and load generators: answers every request 200 once its body has
 * come. Listens on two free ports of the loopback, prints `PLAIN TLS` and serves until standard input ends.
 */
import {
  HeaderFields,
  Http2ServerSession,
  type Http2Stream,
  type StreamSink,
} from "../../src/http2/index.ts";
import { systemClock } from "../../src/kernel/index.ts";
import { type Connection, listen } from "../../src/net/index.ts";
import { makeRoot } from "../../src/net/testdata/certificates.ts";

/** h2spec's cases of flow control want a body of some bytes; nobody else minds. */
const body = new TextEncoder().encode("HTTP/2 by the book\n");
const head = HeaderFields.of([
  [":status", "200"],
  ["content-type", "text/plain"],
  ["content-length", String(body.length)],
]);

class Answer implements StreamSink {
  readonly #stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
  }

  onHead(): void {}
  onInterim(): void {}
  onData(): void {}
  onEnd(): void {
    this.#stream.sendHead(head, false);
    this.#stream.write(body);
    this.#stream.end();
  }
  onDrain(): void {}
  onClose(): void {}
}

function serve(connection: Connection): void {
  new Http2ServerSession(
    connection,
    {
      onStream(stream, _request, isEnd) {
        const answer = new Answer(stream);
        stream.sink = answer;
        if (isEnd) answer.onEnd();
      },
      onClose() {},
    },
    { clock: systemClock },
  );
}

const plain = listen({ onConnection: serve });
const secure = listen({
  onConnection: serve,
  tls: {
    identity: makeRoot("h2-server").issue({ dns: "localhost" }),
    alpn: ["h2"],
    clientCertificate: "none",
  },
});
process.stdout.write(`${plain.port} ${secure.port}\n`);
process.stdin.on("end", () => {
  plain.closeAll();
  secure.closeAll();
});
process.stdin.resume();
