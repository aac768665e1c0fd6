/** Both ends together, joined in memory: streams, windows, drain, loss. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { Http2ClientSession } from "./client-session.ts";
import { HeaderFields } from "./header-fields.ts";
import type { Http2Limits } from "./limits.ts";
import { Http2ServerSession } from "./server-session.ts";
import type { SessionEnd } from "./session-options.ts";
import type { Http2Stream } from "./stream.ts";
import { bytesOf, memoryPair, RecordingSink } from "./testing.ts";

interface Accepted {
  readonly stream: Http2Stream;
  readonly sink: RecordingSink;
  readonly request: HeaderFields;
}

/** A client and a server joined in memory. */
function joined(
  options: { client?: Partial<Http2Limits>; server?: Partial<Http2Limits>; keepAliveMs?: number } = {},
) {
  const clock = new VirtualClock();
  const wires = memoryPair();
  const accepted: Accepted[] = [];
  const ends: { client?: SessionEnd; server?: SessionEnd } = {};
  const keepAlive =
    options.keepAliveMs === undefined
      ? {}
      : { keepAlive: { intervalMs: options.keepAliveMs, timeoutMs: 50 } };
  const server = new Http2ServerSession(
    wires.right,
    {
      onStream(stream, request) {
        const sink = new RecordingSink();
        stream.sink = sink;
        accepted.push({ stream, sink, request });
      },
      onClose: (end) => void (ends.server = end),
    },
    { clock, limits: options.server ?? {}, ...keepAlive },
  );
  const client = new Http2ClientSession(
    wires.left,
    { onClose: (end) => void (ends.client = end) },
    { clock, limits: options.client ?? {}, ...keepAlive },
  );
  const request = (isEnd = false): { stream: Http2Stream; sink: RecordingSink } => {
    const sink = new RecordingSink();
    const stream = client.request(requestFields, isEnd, sink);
    if (stream === undefined) throw new Error("the session takes no request");
    return { stream, sink };
  };
  const take = (): Accepted => {
    wires.run();
    const next = accepted.shift();
    if (next === undefined) throw new Error("no stream was accepted");
    return next;
  };
  wires.run();
  return { clock, wires, server, client, ends, accepted, request, take };
}

const requestFields = HeaderFields.of([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/echo"],
  [":authority", "peer"],
]);
const ok = HeaderFields.of([[":status", "200"]]);
const trailers = HeaderFields.of([["grpc-status", "0"]]);

test("carries a request with a body and a response with trailers", () => {
  const { request, take, wires, client, server } = joined();
  const { stream, sink } = request();
  stream.write(bytesOf("ping"));
  stream.end();
  const peer = take();
  expect(peer.request.entries()).toEqual(requestFields.entries());
  expect(peer.sink.events).toEqual(["data ping", "end"]);
  peer.stream.sendHead(HeaderFields.of([[":status", "103"]]), false);
  peer.stream.sendHead(ok, false);
  peer.stream.write(bytesOf("pong"));
  peer.stream.end(trailers);
  wires.run();
  expect(sink.events).toEqual(["interim 103", "head 200", "data pong", "end grpc-status=0", "close done"]);
  expect(peer.sink.events.at(-1)).toBe("close done");
  expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
});

test("a response can end before the request does, and the rest of the request is not wanted", () => {
  const { request, take, wires } = joined();
  const { stream, sink } = request();
  stream.write(bytesOf("first"));
  const peer = take();
  peer.stream.sendHead(ok, false);
  peer.stream.end(trailers);
  peer.stream.discardInput();
  stream.write(bytesOf("under way"));
  wires.run();
  expect(sink.events).toEqual(["head 200", "end grpc-status=0", "close reset by peer: no_error"]);
  expect(peer.sink.events).toEqual(["data first", "close done"]);
});

test("a slow receiver stops the sender at one window, and its resume starts it again", () => {
  const { request, take, wires } = joined({
    server: { streamWindowBytes: 70_000 },
    client: { sendQueueBytes: 1000 },
  });
  const { stream, sink } = request();
  let drained = 0;
  sink.onDrained = () => drained++;
  wires.run();
  const peer = take();
  peer.stream.pause();
  expect(stream.write(new Uint8Array(100_000))).toBe(false);
  wires.run();
  expect(peer.sink.receivedBytes).toBe(70_000);
  expect(stream.queuedBytes).toBe(30_000);
  expect(drained).toBe(0);
  peer.stream.resume();
  wires.run();
  expect(peer.sink.receivedBytes).toBe(100_000);
  expect(stream.queuedBytes).toBe(0);
  expect(drained).toBe(1);
});

test("what paused streams hold is bounded for the connection, and given back when they are reset", () => {
  const { request, take, wires } = joined({
    server: { streamWindowBytes: 70_000, connectionWindowBytes: 100_000 },
  });
  const streams = [request(), request(), request()];
  const peers = [take(), take(), take()];
  for (const peer of peers) peer.stream.pause();
  for (const { stream } of streams) stream.write(new Uint8Array(60_000));
  wires.run();
  const held = (): number => peers.reduce((sum, peer) => sum + peer.sink.receivedBytes, 0);
  expect(held()).toBe(100_000);
  peers[0]?.stream.reset("cancel");
  wires.run();
  expect(peers[1]?.sink.receivedBytes).toBe(60_000);
  expect(peers[2]?.sink.receivedBytes).toBe(40_000);
  peers[1]?.stream.resume();
  wires.run();
  expect(peers[2]?.sink.receivedBytes).toBe(60_000);
});

test("a stream that holds most of the connection's window does not stop the others", () => {
  const { request, take, wires } = joined({
    server: { streamWindowBytes: 70_000, connectionWindowBytes: 100_000 },
  });
  const [held, free] = [request(), request()];
  const [heldPeer, freePeer] = [take(), take()];
  heldPeer.stream.pause();
  held.stream.write(new Uint8Array(70_000));
  wires.run();
  for (let i = 0; i < 50; i++) {
    free.stream.write(new Uint8Array(10_000));
    wires.run();
  }
  expect(heldPeer.sink.receivedBytes).toBe(70_000);
  expect(freePeer.sink.receivedBytes).toBe(500_000);
});

test("streams take turns: a large one does not hold up a small one", () => {
  const { request, take, wires } = joined();
  const large = request();
  const small = request();
  const first = take();
  const second = take();
  wires.left.highWaterBytes = 20_000;
  large.stream.write(new Uint8Array(200_000));
  small.stream.write(bytesOf("small"));
  wires.left.peer = wires.right;
  wires.right.sink.onData(wires.left.take()); // what fitted the connection before it said stop
  wires.right.sink.onData(wires.left.take());
  expect(second.sink.events).toEqual(["data small"]);
  expect(first.sink.receivedBytes).toBeLessThan(100_000);
});

test("a full connection stops all streams until it drains", () => {
  const { request, take, wires } = joined();
  const { stream } = request();
  const peer = take();
  wires.left.highWaterBytes = 10_000;
  wires.left.isStuck = true;
  stream.write(new Uint8Array(100_000));
  wires.run();
  expect(wires.left.bufferedBytes).toBeLessThan(10_000 + 16_384 + 100);
  expect(peer.sink.receivedBytes).toBe(0);
  wires.left.isStuck = false;
  wires.run();
  expect(peer.sink.receivedBytes).toBe(100_000);
});

test("a request beyond the server's limit waits for the caller, not for an error", () => {
  const { client, request, take, wires } = joined({ server: { maxConcurrentStreams: 2 } });
  request();
  request();
  expect(client.canRequest).toBe(false);
  expect(client.request(requestFields, true, new RecordingSink())).toBeUndefined();
  take().stream.reset("cancel");
  wires.run();
  expect(client.canRequest).toBe(true);
});

test("a draining server finishes what is under way and loses nothing that crosses the GOAWAY", () => {
  const { server, client, request, take, wires, ends } = joined();
  const before = request(true);
  const first = take();
  server.drain();
  const crossing = request(true); // sent before the client can know
  const second = take();
  expect(client.isDraining).toBe(true);
  expect(client.canRequest).toBe(false);
  expect(ends.server).toBeUndefined();
  for (const { stream } of [first, second]) stream.sendHead(ok, true);
  wires.run();
  expect(before.sink.events).toEqual(["head 200", "end", "close done"]);
  expect(crossing.sink.events).toEqual(["head 200", "end", "close done"]);
  expect(ends.server).toEqual({ by: "local", code: "no_error", detail: "drained" });
  expect(ends.client?.code).toBe("no_error");
});

test("a client that never answers the drain's PING does not hold it up", () => {
  const { server, clock, wires, ends } = joined();
  wires.left.isStuck = true;
  server.drain();
  wires.run();
  expect(ends.server).toBeUndefined();
  clock.advance(5_000);
  expect(ends.server?.detail).toBe("drained");
});

test("a client drains: no new requests, and the connection ends with the last one", () => {
  const { client, request, take, wires, ends } = joined();
  const { sink } = request(true);
  client.drain();
  expect(client.canRequest).toBe(false);
  take().stream.sendHead(ok, true);
  wires.run();
  expect(sink.events.at(-1)).toBe("close done");
  expect(ends.client?.detail).toBe("drained");
});

test("a lost connection tells every stream once", () => {
  const { request, take, wires, ends } = joined();
  const { stream, sink } = request();
  const peer = take();
  wires.left.lose("reset");
  wires.right.lose("reset");
  expect(sink.events).toEqual(["close lost"]);
  expect(peer.sink.events).toEqual(["close lost"]);
  expect(stream.write(bytesOf("late"))).toBe(false);
  expect(ends.client?.detail).toContain("reset");
});

test("a peer that answers nothing is found dead", () => {
  const { clock, wires, ends, request } = joined({ keepAliveMs: 1000 });
  const { sink } = request();
  wires.run();
  clock.advance(1000);
  wires.run();
  clock.advance(1000);
  wires.run();
  expect(ends.client).toBeUndefined();
  wires.right.isStuck = true; // from here the server is silent
  clock.advance(1099); // the check that still heard something ran 50 ms after the last PING
  expect(ends.client).toBeUndefined();
  clock.advance(1);
  expect(ends.client?.detail).toBe("the peer does not answer PING");
  expect(sink.events).toEqual(["close lost"]);
});

test("a peer that never acknowledges SETTINGS is given up", () => {
  const clock = new VirtualClock();
  const wires = memoryPair();
  let end: SessionEnd | undefined;
  new Http2ServerSession(wires.right, { onStream() {}, onClose: (e) => void (end = e) }, { clock });
  clock.advance(9_999);
  expect(end).toBeUndefined();
  clock.advance(1);
  expect(end).toMatchObject({ by: "local", code: "settings_timeout" });
});
