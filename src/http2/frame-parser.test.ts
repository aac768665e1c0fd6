/** Framing: the same frames however the bytes are cut, and every malformed frame. */
import { expect, test } from "bun:test";
import { clientPreface } from "./frame.ts";
import { BlockWriter, bytesOf, concat, frame, FrameRecorder, uint32 } from "./testing.ts";

const settings = frame(4, 0, 0, [0, 3, 0, 0, 0, 100]);

/** Every kind of frame, with padding, priority and a header block in three pieces. */
function conversation(): Uint8Array {
  const blocks = new BlockWriter();
  const block = blocks.block([
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/long/path"],
    [":authority", "example"],
  ]);
  return concat([
    clientPreface,
    settings,
    frame(4, 1, 0, []),
    frame(1, 0x8 | 0x20, 1, [3, ...uint32(0), 15, ...block.subarray(0, 2), 0, 0, 0]),
    frame(9, 0, 1, block.subarray(2, 5)),
    frame(9, 0, 1, []),
    frame(9, 4, 1, block.subarray(5)),
    frame(0, 0x8, 1, [4, ...bytesOf("padded"), 0, 0, 0, 0]),
    frame(0, 0, 1, []),
    frame(2, 0, 3, [...uint32(0), 1]),
    frame(8, 0, 1, uint32(1000)),
    frame(8, 0, 0, uint32(0x7fffffff)),
    frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    frame(0xbb, 0xff, 9, bytesOf("an extension")),
    frame(3, 0, 3, uint32(8)),
    frame(0, 0x9, 1, [0, ...bytesOf("last")]),
    frame(7, 0, 0, [...uint32(1), ...uint32(0), ...bytesOf("debug")]),
  ]);
}

const expected = [
  "SETTINGS 1",
  "SETTINGS ack",
  "HEADERS 1 :method=GET :scheme=http :path=/long/path :authority=example",
  "DATA 1 padded +5",
  "DATA 1",
  "IGNORED 2",
  "WINDOW_UPDATE 1 1000",
  "WINDOW_UPDATE 0 2147483647",
  "PING 0102030405060708",
  "IGNORED 187",
  "RST_STREAM 3 8",
  "DATA 1 end last +1",
  "GOAWAY 1 0",
];

test("reads the same frames whole, cut at every byte, and byte by byte", () => {
  const bytes = conversation();
  expect(new FrameRecorder(true).read(bytes)).toEqual(expected);
  for (let cut = 1; cut < bytes.length; cut++) {
    const recorder = new FrameRecorder(true);
    recorder.read(bytes.subarray(0, cut));
    recorder.read(bytes.subarray(cut));
    expect(recorder.lines).toEqual(expected);
  }
  const recorder = new FrameRecorder(true);
  for (let at = 0; at < bytes.length; at++) recorder.read(bytes.subarray(at, at + 1));
  expect(recorder.lines).toEqual(expected);
});

const oneHeaders = new BlockWriter().request(1, 0);

// RFC 9113, sections 4 and 6: what ends the connection.
test.each([
  ["a first frame that is not SETTINGS", [frame(6, 0, 0, new Uint8Array(8))], "protocol_error"],
  ["a first frame that is SETTINGS ack", [frame(4, 1, 0, [])], "protocol_error"],
  ["a frame larger than 16 KiB", [settings, frame(0, 0, 1, new Uint8Array(16385))], "frame_size_error"],
  ["DATA on stream 0", [settings, frame(0, 0, 0, [1])], "protocol_error"],
  ["HEADERS on stream 0", [settings, frame(1, 4, 0, [0x82])], "protocol_error"],
  ["DATA with too much padding", [settings, frame(0, 8, 1, [5, 1, 2, 3, 4])], "protocol_error"],
  ["DATA padded and empty", [settings, frame(0, 8, 1, [])], "frame_size_error"],
  ["HEADERS with too much padding", [settings, frame(1, 4 | 8, 1, [2, 0x82])], "protocol_error"],
  ["HEADERS too short for priority", [settings, frame(1, 4 | 0x20, 1, [0, 0, 0])], "protocol_error"],
  ["HEADERS that depend on themselves", [settings, frame(1, 0x24, 1, [...uint32(1), 0])], "protocol_error"],
  ["SETTINGS ack with a payload", [settings, frame(4, 1, 0, new Uint8Array(6))], "frame_size_error"],
  ["SETTINGS of seven bytes", [settings, frame(4, 0, 0, new Uint8Array(7))], "frame_size_error"],
  ["SETTINGS on a stream", [settings, frame(4, 0, 1, [])], "protocol_error"],
  ["PING of seven bytes", [settings, frame(6, 0, 0, new Uint8Array(7))], "frame_size_error"],
  ["PING on a stream", [settings, frame(6, 0, 1, new Uint8Array(8))], "protocol_error"],
  ["GOAWAY on a stream", [settings, frame(7, 0, 1, new Uint8Array(8))], "protocol_error"],
  ["GOAWAY of four bytes", [settings, frame(7, 0, 0, new Uint8Array(4))], "frame_size_error"],
  ["RST_STREAM of three bytes", [settings, frame(3, 0, 1, new Uint8Array(3))], "frame_size_error"],
  ["RST_STREAM on stream 0", [settings, frame(3, 0, 0, new Uint8Array(4))], "protocol_error"],
  ["WINDOW_UPDATE of five bytes", [settings, frame(8, 0, 1, new Uint8Array(5))], "frame_size_error"],
  ["WINDOW_UPDATE 0 on the connection", [settings, frame(8, 0, 0, uint32(0))], "protocol_error"],
  ["PUSH_PROMISE", [settings, frame(5, 4, 1, [...uint32(2), 0x82])], "protocol_error"],
  ["CONTINUATION alone", [settings, frame(9, 4, 1, [0x82])], "protocol_error"],
  [
    "PING inside a header block",
    [settings, frame(1, 0, 1, [0x82]), frame(6, 0, 0, new Uint8Array(8))],
    "protocol_error",
  ],
  [
    "CONTINUATION of another stream",
    [settings, frame(1, 0, 1, [0x82]), frame(9, 4, 3, [0x82])],
    "protocol_error",
  ],
  ["CONTINUATION after END_HEADERS", [settings, oneHeaders, frame(9, 4, 1, [0x82])], "protocol_error"],
])("refuses %s", (_name, frames, code) => {
  const lines = new FrameRecorder().read(concat([...frames, frame(6, 0, 0, new Uint8Array(8))]));
  expect(lines.at(-1)).toBe(`CONNECTION ERROR ${code}`);
});

test("WINDOW_UPDATE of 0 on a stream is the stream's error only", () => {
  const lines = new FrameRecorder().read(concat([settings, frame(8, 0, 5, uint32(0)), settings]));
  expect(lines).toEqual(["SETTINGS 1", "STREAM ERROR 5 protocol_error", "SETTINGS 1"]);
});

test.each([
  ["of four bytes", frame(2, 0, 5, new Uint8Array(4)), "frame_size_error"],
  ["that depends on itself", frame(2, 0, 5, [...uint32(0x80000005), 1]), "protocol_error"],
] as const)("PRIORITY %s is the stream's error only", (_name, bytes, code) => {
  const lines = new FrameRecorder().read(concat([settings, bytes, settings]));
  expect(lines).toEqual(["SETTINGS 1", `STREAM ERROR 5 ${code}`, "SETTINGS 1"]);
});

test("a connection that does not begin with the preface is refused at the first wrong byte", () => {
  expect(new FrameRecorder(true).read(bytesOf("PRI * HTTP/1"))).toEqual(["CONNECTION ERROR protocol_error"]);
});
