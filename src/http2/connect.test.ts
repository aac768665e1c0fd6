/** CONNECT as a tunnel (RFC 9113, section 8.5), extended CONNECT (RFC 8441), and the upgrade from HTTP/1.1 (RFC 7540). */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { Http2ClientSession } from "./client-session.ts";
import { HeaderFields } from "./header-fields.ts";
import { Http2ServerSession } from "./server-session.ts";
import type { Http2Stream } from "./stream.ts";
import {
  bytesOf,
  concat,
  frame,
  FrameRecorder,
  memoryPair,
  RawClient,
  RecordingSink,
  uint32,
} from "./testing.ts";
import { decodeUpgradeSettings } from "./upgrade-settings.ts";

type Entries = readonly (readonly [string, string])[];
const connectHead: Entries = [
  [":method", "CONNECT"],
  [":authority", "db:5432"],
];
const webSocketHead: Entries = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "http"],
  [":path", "/chat"],
  [":authority", "x"],
];
const without = (name: string): Entries => webSocketHead.filter(([each]) => each !== name);

test("a server that takes extended CONNECT says so, and another does not", () => {
  const settingsOf = (acceptsExtendedConnect: boolean): Uint8Array => {
    const wires = memoryPair();
    const options = { clock: new VirtualClock(), acceptsExtendedConnect };
    new Http2ServerSession(wires.right, { onStream() {}, onClose() {} }, options);
    return wires.right.take();
  };
  const announcement = Buffer.from([0, 8, 0, 0, 0, 1]);
  expect(Buffer.from(settingsOf(true)).includes(announcement)).toBe(true);
  expect(Buffer.from(settingsOf(false)).includes(announcement)).toBe(false);
});

test.each([
  ["with all four", webSocketHead, true],
  ["without :scheme", without(":scheme"), false],
  ["without :path", without(":path"), false],
  ["without :authority", without(":authority"), false],
  ["with an empty :protocol", webSocketHead.map(([n, v]) => [n, n === ":protocol" ? "" : v] as const), false],
  ["with :protocol twice", [[":protocol", "a"] as const, ...webSocketHead], false],
  ["with another method", webSocketHead.map(([n, v]) => [n, n === ":method" ? "GET" : v] as const), false],
  ["that is plain CONNECT", connectHead, true],
] as const)("extended CONNECT %s", (_name, head, isTaken) => {
  const client = new RawClient({}, { acceptsExtendedConnect: true });
  const answer = client.send(frame(1, 4, 1, client.blocks.block(head)));
  expect(answer).toEqual(isTaken ? [] : ["RST_STREAM 1 1"]);
  expect([client.streams.length, client.refused.length]).toEqual(isTaken ? [1, 0] : [0, 1]);
});

test("where it was not announced, :protocol is malformed", () => {
  const client = new RawClient();
  expect(client.send(frame(1, 4, 1, client.blocks.block(webSocketHead)))).toEqual(["RST_STREAM 1 1"]);
  expect(client.refused).toEqual(["malformed_request: :protocol was not announced as acceptable"]);
});

/** A client whose server is raw bytes. */
function rawServer() {
  const wires = memoryPair();
  const recorder = new FrameRecorder(true);
  const ends: string[] = [];
  const client = new Http2ClientSession(
    wires.left,
    { onClose: (end) => void ends.push(`${end.code}: ${end.detail}`) },
    { clock: new VirtualClock() },
  );
  const send = (...frames: readonly Uint8Array[]): string[] => {
    wires.left.sink.onData(concat(frames));
    return recorder.read(wires.left.take());
  };
  recorder.read(wires.left.take());
  return { client, send, ends };
}

const connectSetting = (value: number): Uint8Array => frame(4, 0, 0, [0, 8, ...uint32(value)]);

test("a client learns that the server takes extended CONNECT", () => {
  const { client, send, ends } = rawServer();
  expect(client.peerAcceptsExtendedConnect).toBe(false);
  send(connectSetting(1));
  expect(client.peerAcceptsExtendedConnect).toBe(true);
  send(connectSetting(0)); // it must not be taken back
  expect(ends).toEqual(["protocol_error: SETTINGS with a value out of range"]);
  const second = rawServer();
  second.send(connectSetting(2));
  expect(second.ends).toEqual(["protocol_error: SETTINGS with a value out of range"]);
});

test("a server ignores what a client says about extended CONNECT", () => {
  const client = new RawClient();
  expect(client.send(connectSetting(7))).toEqual(["SETTINGS ack"]);
});

/** A tunnel between a client and a server joined in memory. */
function tunnel() {
  const wires = memoryPair();
  const clock = new VirtualClock();
  const accepted: { stream: Http2Stream; sink: RecordingSink }[] = [];
  new Http2ServerSession(
    wires.right,
    {
      onStream(stream) {
        const sink = new RecordingSink();
        stream.sink = sink;
        accepted.push({ stream, sink });
      },
      onClose() {},
    },
    { clock, acceptsExtendedConnect: true },
  );
  const client = new Http2ClientSession(wires.left, { onClose() {} }, { clock });
  const sink = new RecordingSink();
  const stream = client.request(HeaderFields.of(connectHead), false, sink);
  wires.run();
  const peer = accepted[0];
  if (stream === undefined || peer === undefined) throw new Error("no tunnel");
  return { wires, stream, sink, peer };
}

test("a tunnel carries bytes both ways and closes one way at a time; content-length means nothing in it", () => {
  const { wires, stream, sink, peer } = tunnel();
  const head: Entries = [
    [":status", "200"],
    ["content-length", "0"],
  ];
  peer.stream.sendHead(HeaderFields.of(head), false);
  wires.run();
  stream.write(bytesOf("up"));
  peer.stream.write(bytesOf("down"));
  wires.run();
  stream.end();
  wires.run();
  peer.stream.write(bytesOf("later"));
  wires.run();
  peer.stream.end();
  wires.run();
  expect(peer.sink.events).toEqual(["data up", "end", "close done"]);
  expect(sink.events).toEqual(["head 200", "data down", "data later", "end", "close done"]);
});

test("HEADERS inside a tunnel are an error of the stream, in both directions", () => {
  const up = tunnel();
  up.peer.stream.sendHead(HeaderFields.of([[":status", "200"]]), false);
  up.stream.end(HeaderFields.of([["x-trailer", "1"]]));
  up.wires.run();
  expect(up.peer.sink.outcome).toMatchObject({ kind: "reset", by: "local", code: "protocol_error" });
  const down = tunnel();
  down.peer.stream.sendHead(HeaderFields.of([[":status", "200"]]), false);
  down.peer.stream.end(HeaderFields.of([["x-trailer", "1"]]));
  down.wires.run();
  expect(down.sink.outcome).toMatchObject({ kind: "reset", by: "local", code: "protocol_error" });
});

test("a refused CONNECT is an ordinary response, trailers and all", () => {
  const { wires, sink, peer } = tunnel();
  peer.stream.sendHead(HeaderFields.of([[":status", "403"]]), false);
  peer.stream.write(bytesOf("no"));
  peer.stream.end(HeaderFields.of([["x-trailer", "1"]]));
  wires.run();
  expect(sink.events).toEqual(["head 403", "data no", "end x-trailer=1"]);
});

const upgradedRequest: Entries = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/up"],
  [":authority", "x"],
];

test("an upgraded connection answers on stream 1, governed by the settings in the request", () => {
  const settings = decodeUpgradeSettings(Buffer.from([0, 4, 0, 0, 0, 3]).toString("base64url"));
  if (settings === undefined) throw new Error("the settings are well-formed");
  const wires = memoryPair();
  const recorder = new FrameRecorder();
  const seen: [string | undefined, boolean][] = [];
  new Http2ServerSession(
    wires.right,
    {
      onStream(stream, request, isEnd) {
        stream.sink = new RecordingSink();
        seen.push([request.get(":path"), isEnd]);
        stream.sendHead(HeaderFields.of([[":status", "200"]]), false);
        stream.write(bytesOf("hello"));
        stream.end();
      },
      onClose() {},
    },
    { clock: new VirtualClock(), upgraded: { settings, request: HeaderFields.of(upgradedRequest) } },
  );
  expect(seen).toEqual([["/up", true]]);
  const answer = recorder.read(wires.right.take());
  expect(answer.slice(2)).toEqual(["HEADERS 1 :status=200", "DATA 1 hel"]);
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  wires.right.sink.onData(concat([preface, frame(4, 0, 0, []), frame(8, 0, 1, uint32(9))]));
  expect(recorder.read(wires.right.take())).toEqual(["SETTINGS ack", "DATA 1 end lo"]);
});

test("a client cannot open stream 1 again after the upgrade", () => {
  const request = HeaderFields.of(upgradedRequest);
  const client = new RawClient({}, { upgraded: { settings: new Uint8Array(0), request } });
  expect(client.streams.map((stream) => stream.id)).toEqual([1]);
  expect(client.send(client.blocks.request(1, 1))).toEqual(["RST_STREAM 1 5"]);
  client.send(client.blocks.request(3, 1));
  expect(client.streams.map((stream) => stream.id)).toEqual([1, 3]);
});

test("a malformed request is refused after the upgrade as before it", () => {
  const request = HeaderFields.of([...upgradedRequest, ["connection", "upgrade"]]);
  const client = new RawClient({}, { upgraded: { settings: new Uint8Array(0), request } });
  expect([client.streams.length, client.refused]).toEqual([
    0,
    ["malformed_request: field connection is not allowed in HTTP/2"],
  ]);
});

test.each([
  ["", []],
  ["AAMAAABkAAQAAP__", [0, 3, 0, 0, 0, 100, 0, 4, 0, 0, 255, 255]],
  ["AAMAAABk", [0, 3, 0, 0, 0, 100]],
  ["AAMAAABk==", [0, 3, 0, 0, 0, 100]],
  ["AAMAAAB", undefined],
  ["AAMAAABkAA", undefined],
  ["AAMA+ABk", undefined],
  ["AAMAAAB\u00e9", undefined],
  ["AAT_____", undefined],
  ["A".repeat(2000), undefined],
] as const)("HTTP2-Settings %p", (field, bytes) => {
  const decoded = decodeUpgradeSettings(field);
  expect(decoded === undefined ? undefined : [...decoded]).toEqual(
    bytes === undefined ? undefined : [...bytes],
  );
});
