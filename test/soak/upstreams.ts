/** Three servers of a soak. One answer in twenty ends in a reset, half a body, or garbage. */
import { Http2Server } from "../../src/proxy/testing/http2-peer.ts";
import { rawServer } from "../../src/proxy/testing/raw-peer.ts";

export interface Upstreams {
  readonly http1: number;
  readonly http2: number;
  readonly tcp: number;
  stop(): void;
}

const body = "x".repeat(20_000);
const good = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const bad = [`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\nhalf`, "garbage\r\n\r\n", ""];

export function startUpstreams(): Upstreams {
  let count = 0;
  const http1 = rawServer((peer) => {
    let end = peer.received.indexOf("\r\n\r\n");
    while (end >= 0) {
      const head = peer.received.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (peer.received.length < end + 4 + length) return;
      peer.received = peer.received.slice(end + 4 + length);
      if (++count % 20 === 0) {
        peer.socket.write(bad[count % bad.length] ?? "");
        peer.socket.terminate();
        return;
      }
      peer.socket.write(good);
      end = peer.received.indexOf("\r\n\r\n");
    }
  });
  const http2 = new Http2Server((request) => {
    if (++count % 20 === 0) request.stream.reset(count % 40 === 0 ? "internal_error" : "refused_stream");
    else request.answer([[":status", "200"]], body, [["x-end", "1"]]);
  });
  const tcp = rawServer((peer, chunk) => {
    peer.received = "";
    if (++count % 20 === 0) peer.socket.terminate();
    else peer.socket.write(chunk);
  });
  return {
    http1: http1.port,
    http2: http2.port,
    tcp: tcp.port,
    stop() {
      http1.stop();
      http2.stop();
      tcp.stop();
    },
  };
}
