/** The server against hand-written frames: what RFC 9113 forbids, and what exactly it answers. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { clientPreface } from "./frame.ts";
import { conversations } from "./testing/corpus.ts";
import { HeaderFields } from "./header-fields.ts";
import { Http2ServerSession } from "./server-session.ts";
import { bytesOf, concat, frame, FrameRecorder, memoryPair, RawClient, uint32 } from "./testing.ts";

const headers = 1;
const endStream = 1;

test("begins with SETTINGS, a wider connection window, and acknowledges the client's", () => {
  const recorder = new FrameRecorder();
  const wires = memoryPair();
  new Http2ServerSession(wires.right, { onStream() {}, onClose() {} }, { clock: new VirtualClock() });
  wires.right.sink.onData(concat([clientPreface, frame(4, 0, 0, [])]));
  expect(recorder.read(wires.right.take())).toEqual([
    "SETTINGS 3",
    `WINDOW_UPDATE 0 ${4 * 1024 * 1024 - 65_535}`,
    "SETTINGS ack",
  ]);
});

test("answers PING with the same bytes", () => {
  expect(new RawClient().send(frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))).toEqual([
    "PING ack 0102030405060708",
  ]);
});

// RFC 9113, section 5.1: frames that a stream's state does not allow. The connection ends.
test.each([
  ["DATA on an idle stream", () => [frame(0, 0, 1, [1])], "GOAWAY 0 1"],
  ["RST_STREAM on an idle stream", () => [frame(3, 0, 1, uint32(8))], "GOAWAY 0 1"],
  ["WINDOW_UPDATE on an idle stream", () => [frame(8, 0, 1, uint32(8))], "GOAWAY 0 1"],
  ["a stream with an even number", (c: RawClient) => [c.blocks.request(2, endStream)], "GOAWAY 0 1"],
  [
    "a number lower than one seen",
    (c: RawClient) => [c.blocks.request(5, 0), c.blocks.request(3, 0)],
    "GOAWAY 5 1",
  ],
  ["a header block that cannot be decoded", () => [frame(headers, 4, 1, [0x80])], "GOAWAY 0 9"],
  ["SETTINGS with push = 2", () => [frame(4, 0, 0, [0, 2, ...uint32(2)])], "GOAWAY 0 1"],
  ["SETTINGS with a window of 2^31", () => [frame(4, 0, 0, [0, 4, ...uint32(2 ** 31)])], "GOAWAY 0 3"],
  ["SETTINGS with frames of 16383", () => [frame(4, 0, 0, [0, 5, ...uint32(16_383)])], "GOAWAY 0 1"],
  ["a connection window over 2^31-1", () => [frame(8, 0, 0, uint32(2 ** 31 - 1))], "GOAWAY 0 3"],
  [
    "a stream window that SETTINGS overflow",
    (c: RawClient) => [
      c.blocks.request(1, 0),
      frame(8, 0, 1, uint32(2 ** 31 - 1 - 65_535)),
      frame(4, 0, 0, [0, 4, ...uint32(65_536)]),
    ],
    "GOAWAY 1 3",
  ],
] as const)("ends the connection at %s", (_name, frames, goaway) => {
  const client = new RawClient();
  const answer = client.send(...frames(client));
  expect(answer.at(-1)).toBe(goaway);
  expect(client.end?.by).toBe("local");
});

// Errors of one stream leave the connection alone.
test.each([
  ["DATA after END_STREAM", (c: RawClient) => [c.blocks.request(1, endStream), frame(0, 0, 1, [1])], 5],
  [
    "HEADERS after END_STREAM",
    (c: RawClient) => [c.blocks.request(1, endStream), c.blocks.request(1, endStream)],
    5,
  ],
  ["trailers without END_STREAM", (c: RawClient) => [c.blocks.request(1, 0), c.blocks.request(1, 0)], 1],
  ["WINDOW_UPDATE of 0", (c: RawClient) => [c.blocks.request(1, 0), frame(8, 0, 1, uint32(0))], 1],
  [
    "a window over 2^31-1",
    (c: RawClient) => [c.blocks.request(1, 0), frame(8, 0, 1, uint32(2 ** 31 - 1))],
    3,
  ],
  [
    "more data than content-length",
    (c: RawClient) => [c.blocks.request(1, 0, [["content-length", "3"]]), frame(0, 1, 1, [1, 2, 3, 4])],
    1,
  ],
  [
    "less data than content-length",
    (c: RawClient) => [c.blocks.request(1, 0, [["content-length", "3"]]), frame(0, 1, 1, [1, 2])],
    1,
  ],
  [
    "content-length without a body",
    (c: RawClient) => [c.blocks.request(1, endStream, [["content-length", "3"]])],
    1,
  ],
  [
    "two content-lengths",
    (c: RawClient) => [
      c.blocks.request(1, 0, [
        ["content-length", "3"],
        ["content-length", "4"],
      ]),
    ],
    1,
  ],
] as const)("resets the stream at %s", (_name, frames, code) => {
  const client = new RawClient();
  expect(client.send(...frames(client)).at(-1)).toBe(`RST_STREAM 1 ${code}`);
  expect(client.send(frame(6, 0, 0, new Uint8Array(8))).at(-1)).toBe("PING ack 0000000000000000");
  expect(client.session.streamCount).toBe(0);
});

const base = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a"],
] as const;

// RFC 9113, sections 8.2 and 8.3: malformed requests never reach the handler.
test.each([
  ["an upper-case name", [...base, ["X-A", "1"]]],
  ["a space in a name", [...base, ["x a", "1"]]],
  ["an empty name", [...base, ["", "1"]]],
  ["a line break in a value", [...base, ["x-a", "1\r\nx-b: 2"]]],
  ["a NUL in a value", [...base, ["x-a", "1\0"]]],
  ["a space before a value", [...base, ["x-a", " 1"]]],
  ["a line break in :path", [base[0], base[1], [":path", "/\r\nx"], base[3]]],
  ["a space in :path", [base[0], base[1], [":path", "/ HTTP/1.1"], base[3]]],
  ["a relative :path", [base[0], base[1], [":path", "x"], base[3]]],
  ["a fragment in :path", [base[0], base[1], [":path", "/#x"], base[3]]],
  ["an asterisk without OPTIONS", [base[0], base[1], [":path", "*"], base[3]]],
  ["no :method", base.slice(1)],
  ["no :scheme", [base[0], base[2]]],
  ["no :path", [base[0], base[1], base[3]]],
  ["an empty :path", [base[0], base[1], [":path", ""], base[3]]],
  ["a space in :method", [[":method", "GET /x"], ...base.slice(1)]],
  ["a pseudo-header twice", [...base, [":path", "/b"]]],
  ["an unknown pseudo-header", [...base, [":protocol", "websocket"]]],
  ["a response's pseudo-header", [...base, [":status", "200"]]],
  ["a pseudo-header after a field", [base[0], base[1], base[2], ["x-a", "1"], base[3]]],
  ["connection", [...base, ["connection", "close"]]],
  ["transfer-encoding", [...base, ["transfer-encoding", "chunked"]]],
  ["upgrade", [...base, ["upgrade", "h2c"]]],
  ["te other than trailers", [...base, ["te", "gzip"]]],
  ["a host that differs", [...base, ["host", "b"]]],
  ["two hosts", [...base, ["host", "a"], ["host", "a"]]],
  ["CONNECT with a path", [[":method", "CONNECT"], ...base.slice(1)]],
  ["CONNECT without authority", [[":method", "CONNECT"]]],
] as const)("refuses a request with %s", (_name, fields) => {
  const client = new RawClient();
  expect(client.send(frame(headers, 5, 1, client.blocks.block(fields)))).toEqual(["RST_STREAM 1 1"]);
  expect(client.streams).toHaveLength(0);
});

test.each([
  [
    "OPTIONS *",
    [
      [":method", "OPTIONS"],
      [":scheme", "http"],
      [":path", "*"],
    ],
  ],
  [
    "CONNECT",
    [
      [":method", "CONNECT"],
      [":authority", "db:5432"],
    ],
  ],
  ["te: trailers and an equal host", [...base, ["te", "trailers"], ["host", "A"]]],
  ["an empty value", [...base, ["x-a", ""]]],
] as const)("takes %s", (_name, fields) => {
  const client = new RawClient();
  client.send(frame(headers, 5, 1, client.blocks.block(fields)));
  expect(client.streams).toHaveLength(1);
});

test("trailers with a pseudo-header reset the stream", () => {
  const client = new RawClient();
  const answer = client.send(client.blocks.request(1, 0), client.blocks.request(1, endStream));
  expect(answer).toEqual(["RST_STREAM 1 1"]);
});

test("a request whose fields are too large is answered 431, and the connection goes on", () => {
  const client = new RawClient({ maxHeaderListBytes: 1000 });
  const large = client.blocks.request(1, endStream, [["x-large", "v".repeat(2000)]]);
  expect(client.send(large)).toEqual(["HEADERS 1 end :status=431 content-length=0"]);
  client.send(client.blocks.request(3, endStream));
  expect(client.streams.map((stream) => stream.id)).toEqual([3]);
});

test("frames that cross our reset are ignored, and their bytes given back", () => {
  const client = new RawClient({ connectionWindowBytes: 65_535 });
  client.send(client.blocks.request(1, 0));
  client.streams[0]?.reset("cancel");
  expect(client.read()).toEqual(["RST_STREAM 1 8"]);
  const data = frame(0, 0, 1, new Uint8Array(16_000));
  const trailers = client.blocks.block([["x-trailer", "1"]]);
  expect(client.send(data, data, data, frame(headers, 5, 1, trailers))).toEqual(["WINDOW_UPDATE 0 48000"]);
  expect(client.send(data, data, data)).toEqual(["WINDOW_UPDATE 0 48000"]);
});

test("padding is given back like data, on open streams and on reset ones", () => {
  const client = new RawClient({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535 });
  client.send(client.blocks.request(1, 0), client.blocks.request(3, 0));
  client.streams[1]?.reset("cancel");
  client.read();
  const padded = (id: number): Uint8Array => frame(0, 8, id, [250, 1, ...new Uint8Array(250)]);
  const given = { stream: 0, connection: 0 };
  for (let i = 0; i < 1000; i++) {
    for (const line of client.send(padded(1), padded(3))) {
      const [, id, increment] = /^WINDOW_UPDATE (\d) (\d+)$/.exec(line) ?? [];
      if (id === "1") given.stream += Number(increment);
      else given.connection += Number(increment);
    }
  }
  expect(client.end).toBeUndefined();
  expect(given.stream).toBeGreaterThan(252_000 - 65_535);
  expect(given.connection).toBeGreaterThan(504_000 - 65_535);
});

test("a client that ignores the stream's window is reset, one that ignores the connection's is gone", () => {
  const client = new RawClient({ streamWindowBytes: 1000, connectionWindowBytes: 65_535 });
  client.send(client.blocks.request(1, 0));
  client.streams[0]?.pause();
  expect(client.send(frame(0, 0, 1, new Uint8Array(1000)))).toEqual([]);
  expect(client.send(frame(0, 0, 1, [1]))).toEqual(["RST_STREAM 1 3"]);

  const second = new RawClient({ streamWindowBytes: 200_000, connectionWindowBytes: 65_535 });
  second.send(second.blocks.request(1, 0));
  second.streams[0]?.pause();
  const data = frame(0, 0, 1, new Uint8Array(16_384));
  expect(second.send(data, data, data, data)).toEqual(["GOAWAY 1 3"]);
});

test("the peer's initial window governs, may shrink below zero, and may come back", () => {
  const client = new RawClient();
  client.send(frame(4, 0, 0, [0, 4, ...uint32(10)]), client.blocks.request(1, endStream));
  const stream = client.streams[0];
  stream?.sendHead(HeaderFields.of([[":status", "200"]]), false);
  stream?.write(bytesOf("0123456789abcdef"));
  stream?.end();
  expect(client.read()).toEqual(["HEADERS 1 :status=200", "DATA 1 0123456789"]);
  expect(client.send(frame(4, 0, 0, [0, 4, ...uint32(4)]))).toEqual(["SETTINGS ack"]);
  expect(client.send(frame(8, 0, 1, uint32(6)))).toEqual([]); // the window was -6
  expect(client.send(frame(8, 0, 1, uint32(2)))).toEqual(["DATA 1 ab"]);
  expect(client.send(frame(4, 0, 0, [0, 4, ...uint32(100)]))).toEqual(["SETTINGS ack", "DATA 1 end cdef"]);
});

test("the connection's window governs all streams together", () => {
  const client = new RawClient();
  client.send(frame(4, 0, 0, [0, 4, ...uint32(1_000_000)]), client.blocks.request(1, endStream));
  client.streams[0]?.sendHead(HeaderFields.of([[":status", "200"]]), false);
  client.streams[0]?.write(new Uint8Array(70_000));
  const sent = (lines: string[]): number =>
    lines.reduce((sum, line) => {
      const [, size, text] = /^DATA 1 (?:\((\d+)\)|(.*))$/s.exec(line) ?? [];
      return sum + Number(size ?? text?.length ?? 0);
    }, 0);
  expect(sent(client.read())).toBe(65_535);
  expect(client.send(frame(8, 0, 0, uint32(100_000)))).toEqual([`DATA 1 (${70_000 - 65_535})`]);
});

test("after the final GOAWAY new streams are ignored with all that belongs to them", () => {
  const client = new RawClient();
  client.send(client.blocks.request(1, 0));
  client.session.drain();
  expect(client.read()).toEqual(["GOAWAY 2147483647 0", "PING 7765667400000001"]);
  client.send(client.blocks.request(3, 0)); // crosses the first
  expect(client.send(frame(6, 1, 0, [0x77, 0x65, 0x66, 0x74, 0, 0, 0, 1]))).toEqual(["GOAWAY 3 0"]);
  expect(client.send(client.blocks.request(5, 0), frame(0, 1, 5, [1]))).toEqual([]);
  expect(client.streams.map((stream) => stream.id)).toEqual([1, 3]);
  for (const stream of client.streams) stream.reset("cancel");
  expect(client.end?.detail).toBe("drained");
});

test("the end travels with the last chunk, in one frame each way", () => {
  const client = new RawClient();
  client.send(client.blocks.request(1, 0));
  const stream = client.streams[0];
  const lasts: boolean[] = [];
  if (stream !== undefined) {
    stream.sink.onData = (_chunk, isLast) => {
      lasts.push(isLast);
      stream.write(bytesOf("answer"), isLast);
    };
    stream.sink.onEnd = () => stream.end();
    stream.sendHead(HeaderFields.of([[":status", "200"]]), false);
  }
  const answer = client.send(frame(0, 0, 1, [1]), frame(0, endStream, 1, [2]));
  expect(answer).toEqual(["HEADERS 1 :status=200", "DATA 1 answer", "DATA 1 end answer"]);
  expect(lasts).toEqual([false, true]);
});

test("an end before the length that was promised is never told as an end", () => {
  const client = new RawClient();
  client.send(client.blocks.request(1, 0, [["content-length", "5"]]));
  const lasts: boolean[] = [];
  const stream = client.streams[0];
  if (stream !== undefined) stream.sink.onData = (_chunk, isLast) => void lasts.push(isLast);
  expect(client.send(frame(0, endStream, 1, [1]))).toEqual(["RST_STREAM 1 1"]);
  expect(lasts).toEqual([false]);
});

test("a last chunk that has to wait ends the stream when it goes out", () => {
  const client = new RawClient();
  client.send(frame(4, 0, 0, [0, 4, ...uint32(3)]), client.blocks.request(1, endStream));
  client.streams[0]?.sendHead(HeaderFields.of([[":status", "200"]]), false);
  client.streams[0]?.write(bytesOf("abcdef"), true);
  expect(client.read()).toEqual(["HEADERS 1 :status=200", "DATA 1 abc"]);
  expect(client.send(frame(8, 0, 1, uint32(10)))).toEqual(["DATA 1 end def"]);
  expect(client.session.streamCount).toBe(0);
});

/** Data may come in other pieces, never as other data. */
function joined(events: readonly string[]): string {
  let text = "";
  let wasData = false;
  for (const event of events) {
    const isData = event.startsWith("data ");
    text += isData && wasData ? event.slice("data ".length) : `|${event}`;
    wasData = isData;
  }
  return text;
}

test("answers the same however the bytes are cut", () => {
  for (const conversation of conversations()) {
    const answers = (...pieces: readonly Uint8Array[]): [string[], string[]] => {
      const client = new RawClient({}, {}, "unopened");
      const lines = pieces.flatMap((piece) => client.send(piece));
      return [lines, client.sinks.map((sink) => joined(sink.events))];
    };
    const whole = answers(conversation);
    expect(whole[1].length).toBeGreaterThan(1);
    for (let cut = 1; cut < conversation.length; cut++) {
      expect(answers(conversation.subarray(0, cut), conversation.subarray(cut))).toEqual(whole);
    }
    expect(answers(...Array.from(conversation, (_, at) => conversation.subarray(at, at + 1)))).toEqual(whole);
  }
});
