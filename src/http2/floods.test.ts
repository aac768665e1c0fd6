/** The server under attack: each flood ends the connection at a known point, honest traffic does not. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { clientPreface } from "./frame.ts";
import { HeaderFields } from "./header-fields.ts";
import { defaultHttp2Limits } from "./limits.ts";
import { Http2ServerSession } from "./server-session.ts";
import type { SessionEnd } from "./session-options.ts";
import { BlockWriter, concat, frame, memoryPair, RawClient, RecordingSink, uint32 } from "./testing.ts";

/** A server under attack: what it was made to do is counted, nothing of its answers is read unless asked for. */
function attacked() {
  const clock = new VirtualClock();
  const wires = memoryPair();
  const state: { end: SessionEnd | undefined; opened: number } = { end: undefined, opened: 0 };
  const session = new Http2ServerSession(
    wires.right,
    {
      onStream(stream) {
        stream.sink = new RecordingSink();
        state.opened++;
      },
      onClose: (end) => void (state.end = end),
    },
    { clock },
  );
  const send = (bytes: Uint8Array): void => wires.right.sink.onData(bytes);
  send(concat([clientPreface, frame(4, 0, 0, []), frame(4, 1, 0, [])]));
  /** Sends until the server has had enough; returns how many it took. */
  const flood = (next: (index: number) => Uint8Array, most = 20_000): number => {
    let sent = 0;
    while (state.end === undefined && sent < most) {
      send(next(sent++));
      wires.right.take();
    }
    return sent;
  };
  return { clock, wires, state, session, send, flood, blocks: new BlockWriter() };
}

const burst = defaultHttp2Limits;

test("rapid reset: the connection ends after the burst", () => {
  const { flood, blocks, state } = attacked();
  const sent = flood((i) => concat([blocks.request(2 * i + 1, 1), frame(3, 0, 2 * i + 1, uint32(8))]));
  expect(state.end?.code).toBe("enhance_your_calm");
  expect(sent).toBe(burst.resetBurst + 1);
});

test("cancelling in proportion to real work is no attack", () => {
  const clock = new VirtualClock();
  const wires = memoryPair();
  let end: SessionEnd | undefined;
  const blocks = new BlockWriter();
  new Http2ServerSession(
    wires.right,
    {
      onStream(stream, request) {
        stream.sink = new RecordingSink();
        if (request.get("x-answer") !== undefined) stream.end();
      },
      onClose: (e) => void (end = e),
    },
    { clock },
  );
  wires.right.sink.onData(concat([clientPreface, frame(4, 0, 0, [])]));
  for (let i = 0; i < 5_000; i++) {
    const answered = blocks.request(4 * i + 1, 1, [["x-answer", "1"]]);
    const cancelled = concat([blocks.request(4 * i + 3, 1), frame(3, 0, 4 * i + 3, uint32(8))]);
    wires.right.sink.onData(concat([answered, cancelled]));
    wires.right.take();
  }
  expect(end).toBeUndefined();
});

test("MadeYouReset: resets that the client's faults provoke count as its own", () => {
  for (const fault of [
    (id: number) => frame(8, 0, id, uint32(0)),
    (id: number) => frame(8, 0, id, uint32(0x7fffffff)),
    (id: number) => frame(0, 0, id, [1]), // after END_STREAM
  ]) {
    const { flood, blocks, state } = attacked();
    const sent = flood((i) => concat([blocks.request(2 * i + 1, 1), fault(2 * i + 1)]));
    expect(state.end?.code).toBe("enhance_your_calm");
    expect(sent).toBe(burst.resetBurst + 1);
  }
});

test("malformed and refused requests count too", () => {
  const { flood, blocks, state } = attacked();
  expect(flood((i) => blocks.request(2 * i + 1, 1, [["connection", "x"]]))).toBe(burst.resetBurst + 1);
  expect(state.opened).toBe(0);

  const second = attacked();
  expect(second.flood((i) => second.blocks.request(2 * i + 1, 0))).toBe(
    burst.maxConcurrentStreams + burst.resetBurst + 1,
  );
  expect(second.state.opened).toBe(burst.maxConcurrentStreams);
});

test("the budget for resets refills with time", () => {
  const { flood, blocks, state, clock } = attacked();
  const cancel = (i: number): Uint8Array =>
    concat([blocks.request(2 * i + 1, 1), frame(3, 0, 2 * i + 1, uint32(8))]);
  flood(cancel, burst.resetBurst);
  clock.advance(1_000);
  for (let i = 0; i < burst.resetsPerSecond; i++) flood((n) => cancel(burst.resetBurst + i + n), 1);
  expect(state.end).toBeUndefined();
});

test.each([
  ["PING", frame(6, 0, 0, new Uint8Array(8))],
  ["PING answers", frame(6, 1, 0, new Uint8Array(8))],
  ["SETTINGS", frame(4, 0, 0, [])],
  ["SETTINGS acks", frame(4, 1, 0, [])],
  ["PRIORITY", frame(2, 0, 1, new Uint8Array(5))],
  ["unknown frames", frame(0xaa, 0, 0, [])],
  ["empty DATA", frame(0, 0, 1, [])],
  ["padding without data", frame(0, 8, 1, [3, 0, 0, 0])],
  ["WINDOW_UPDATE on the connection", frame(8, 0, 0, uint32(1))],
  ["WINDOW_UPDATE on a stream", frame(8, 0, 1, uint32(1))],
  ["GOAWAY", frame(7, 0, 0, new Uint8Array(8))],
])("a flood of %s ends the connection", (_name, bytes) => {
  const { flood, send, blocks, state } = attacked();
  send(blocks.request(1, 0));
  const sent = flood(() => bytes);
  expect(state.end?.code).toBe("enhance_your_calm");
  expect(sent).toBeLessThanOrEqual(burst.controlBurst + 1);
  expect(sent).toBeGreaterThan(burst.controlBurst - 10);
});

test("PING and WINDOW_UPDATE beside real data are no flood", () => {
  const { send, blocks, state } = attacked();
  send(blocks.request(1, 0));
  const beside = concat([
    frame(0, 0, 1, new Uint8Array(100)),
    frame(6, 0, 0, new Uint8Array(8)),
    frame(8, 0, 0, uint32(1)),
  ]);
  for (let i = 0; i < 2_000; i++) send(beside);
  expect(state.end).toBeUndefined();
});

test("PRIORITY beside requests whose answers have no data is no flood", () => {
  const clock = new VirtualClock();
  const wires = memoryPair();
  const blocks = new BlockWriter();
  let end: SessionEnd | undefined;
  new Http2ServerSession(
    wires.right,
    {
      onStream(stream) {
        stream.sink = new RecordingSink();
        stream.sendHead(HeaderFields.of([[":status", "204"]]), true);
      },
      onClose: (e) => void (end = e),
    },
    { clock },
  );
  wires.right.sink.onData(concat([clientPreface, frame(4, 0, 0, [])]));
  for (let i = 0; i < 5_000; i++) {
    wires.right.sink.onData(
      concat([frame(2, 0, 2 * i + 1, new Uint8Array(5)), blocks.request(2 * i + 1, 1)]),
    );
    wires.right.take();
  }
  expect(end).toBeUndefined();
});

/** A server whose client never gives more than its first window. */
function starved(clientWindowBytes: number) {
  const client = new RawClient({ sendStallTimeoutMs: 1_000 });
  client.send(frame(4, 0, 0, [0, 4, ...uint32(clientWindowBytes)]));
  const answer = (streamId: number, bytes: number): RecordingSink | undefined => {
    client.send(client.blocks.request(streamId, 1));
    const stream = client.streams.at(-1);
    stream?.sendHead(HeaderFields.of([[":status", "200"]]), false);
    stream?.write(new Uint8Array(bytes), true);
    return client.sinks.at(-1);
  };
  return { client, answer };
}

test("zero-window stall: streams that are given no window are reset, the connection and other streams go on", () => {
  const { client, answer } = starved(0);
  const sinks = Array.from({ length: 100 }, (_, i) => answer(2 * i + 1, 100));
  client.read();
  client.clock.advance(1_500);
  expect(client.session.streamCount).toBe(100);
  client.send(frame(8, 0, 1, uint32(50))); // slow, but it reads
  client.clock.advance(500);
  expect(client.session.streamCount).toBe(1);
  expect(client.read().filter((line) => line.startsWith("RST_STREAM") && line.endsWith(" 8"))).toHaveLength(
    99,
  );
  expect(sinks[1]?.outcome).toEqual({
    kind: "reset",
    by: "local",
    code: "cancel",
    detail: "the peer gave no window for too long",
  });
  expect(client.send(frame(8, 0, 1, uint32(50)))).toEqual([`DATA 1 end (50)`]);
  expect(client.end).toBeUndefined();
});

test("zero-window stall of the connection: its streams are reset as well", () => {
  const { client, answer } = starved(1_000_000);
  answer(1, 65_535); // takes the connection's whole window
  const sink = answer(3, 10);
  client.clock.advance(2_000);
  expect(sink?.outcome?.kind).toBe("reset");
  expect(client.session.streamCount).toBe(0);
});

test("a stream that waits for its own producer is not stalled", () => {
  const client = new RawClient({ sendStallTimeoutMs: 1_000 });
  client.send(client.blocks.request(1, 1));
  client.streams[0]?.sendHead(HeaderFields.of([[":status", "200"]]), false);
  client.streams[0]?.write(new Uint8Array(10));
  client.clock.advance(60_000);
  expect(client.session.streamCount).toBe(1);
});

test("what a slow reader makes wait is bounded: the producer is told to stop", () => {
  const { client } = starved(0);
  client.send(client.blocks.request(1, 1));
  const stream = client.streams[0];
  stream?.sendHead(HeaderFields.of([[":status", "200"]]), false);
  let chunks = 0;
  while (stream?.write(new Uint8Array(1000)) === true) chunks++;
  expect(stream?.queuedBytes).toBeLessThanOrEqual(defaultHttp2Limits.sendQueueBytes + 1000);
  expect(chunks).toBe(Math.floor(defaultHttp2Limits.sendQueueBytes / 1000));
});

test("each refusal is told with its reason", () => {
  const client = new RawClient({ maxConcurrentStreams: 1, maxHeaderListBytes: 1_000 });
  client.send(client.blocks.request(1, 1, [["connection", "close"]]));
  client.send(client.blocks.request(3, 1, [["x-large", "v".repeat(2_000)]]));
  client.send(client.blocks.request(5, 1, [["content-length", "5"]]));
  client.send(client.blocks.request(7, 0));
  expect(client.send(client.blocks.request(9, 0))).toEqual(["RST_STREAM 9 7"]);
  expect(client.refused).toEqual([
    "malformed_request: field connection is not allowed in HTTP/2",
    "headers_too_large: the request's fields are too large",
    "malformed_request: content-length is malformed or promises a body that is not there",
    "overloaded: too many streams at once",
  ]);
});

test("HPACK bomb: refused by its unfolded size, at the cost of its compressed bytes", () => {
  const client = new RawClient();
  const field = ["x-big", "v".repeat(1_000)] as const;
  const big = client.blocks.block([field, field]); // the second one goes into the table
  const opening = client.blocks.block([
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "x"],
  ]);
  const bomb = concat([opening, big, new Uint8Array(10_000).fill(0xbe)]); // 10 MB if it were unfolded
  expect(client.send(frame(1, 5, 1, bomb))).toEqual(["HEADERS 1 end :status=431 content-length=0"]);
  client.send(client.blocks.request(3, 1));
  expect(client.streams).toHaveLength(1);
});

test("CONTINUATION flood: few frames, few bytes", () => {
  const empty = attacked();
  empty.send(concat([frame(1, 0, 1, [0x82])]));
  expect(empty.flood(() => frame(9, 0, 1, []))).toBe(burst.maxContinuations + 1);
  const large = attacked();
  large.send(concat([frame(1, 0, 1, new Uint8Array(16_384))]));
  expect(large.flood(() => frame(9, 0, 1, new Uint8Array(16_384)))).toBe(4);
  expect(large.state.end?.code).toBe("enhance_your_calm");
});

test("answers that pile up before a peer that does not read end the connection", () => {
  const { wires, send, state, clock } = attacked();
  wires.right.take();
  wires.right.highWaterBytes = 1_000;
  wires.right.isStuck = true;
  // Within the budget for control frames, because it refills; only the backlog tells.
  const pings = concat(Array.from({ length: 100 }, () => frame(6, 0, 0, new Uint8Array(8))));
  for (let i = 0; i < 60 && state.end === undefined; i++) {
    send(pings);
    clock.advance(1_000);
  }
  expect(state.end?.detail).toBe("the peer asks for answers and does not read them");
  expect(wires.right.isClosed).toBe(true);
});

test.each([
  ["a head cut off", (blocks: BlockWriter) => blocks.request(1, 1).subarray(0, 5)],
  ["a payload cut off", (blocks: BlockWriter) => blocks.request(1, 1).subarray(0, 12)],
  ["a header block without its end", () => frame(1, 1, 1, [0x82])],
] as const)("slow-loris, %s: the connection ends in time", (_name, bytes) => {
  const client = new RawClient({ frameTimeoutMs: 1_000 });
  client.send(bytes(client.blocks));
  client.clock.advance(999);
  expect(client.end).toBeUndefined();
  client.clock.advance(1);
  expect(client.end).toMatchObject({ code: "enhance_your_calm", detail: "a frame came too slowly" });
});

test("slow-loris by CONTINUATION: bytes that trickle do not prolong the block's time", () => {
  const client = new RawClient({ frameTimeoutMs: 1_000 });
  client.send(frame(1, 1, 1, [0x82]));
  for (let i = 0; i < 3; i++) {
    client.clock.advance(300);
    client.send(frame(9, 0, 1, []));
  }
  client.clock.advance(100);
  expect(client.end?.detail).toBe("a frame came too slowly");
});

test("frames that are cut but come on, and DATA at any pace, are not late", () => {
  const client = new RawClient({ frameTimeoutMs: 1_000 });
  for (let i = 0; i < 20; i++) {
    const request = client.blocks.request(2 * i + 1, 1);
    client.send(request.subarray(0, 12));
    client.clock.advance(600);
    client.send(request.subarray(12));
  }
  client.send(client.blocks.request(41, 0), frame(0, 0, 41, new Uint8Array(100)).subarray(0, 50));
  client.clock.advance(60_000);
  expect(client.end).toBeUndefined();
});
