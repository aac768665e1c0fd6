/** Random traffic: hostile bytes never break the server, honest streams always arrive whole and in order. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { VirtualClock } from "../kernel/index.ts";
import { Http2ClientSession } from "./client-session.ts";
import { clientPreface } from "./frame.ts";
import { HeaderFields } from "./header-fields.ts";
import { Http2ServerSession } from "./server-session.ts";
import type { Http2Stream, StreamOutcome, StreamSink } from "./stream.ts";
import { BlockWriter, concat, frame, FrameRecorder, memoryPair, RecordingSink, uint32 } from "./testing.ts";

const streamId = fc.constantFrom(0, 1, 2, 3, 5, 7, 9, 0x7fffffff);
const anyFrame = fc
  .record({
    type: fc.integer({ min: 0, max: 12 }),
    flags: fc.integer({ min: 0, max: 255 }),
    streamId,
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40, size: "max" }),
      fc.constantFrom(0, 1, 1000, 0x7fffffff, 0xffffffff).map((value) => Uint8Array.from(uint32(value))),
      fc.constantFrom(...[6, 8].map((length) => new Uint8Array(length))),
    ),
  })
  .map(({ type, flags, streamId: id, payload }) => frame(type, flags, id, payload));
const request = fc
  .record({ id: fc.constantFrom(1, 3, 5, 7, 9), flags: fc.constantFrom(0, 1) })
  .map(({ id, flags }) => ({ id, flags }));
const piece = fc.oneof(
  { weight: 2, arbitrary: anyFrame },
  { weight: 1, arbitrary: request },
  fc.uint8Array({ maxLength: 20 }),
);

test("whatever bytes come, the server neither throws nor writes malformed frames nor holds more than it may", () => {
  let reachedStreams = 0;
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40, size: "max" }),
      fc.integer({ min: 1, max: 50 }),
      (pieces, chunkBytes) => {
        const wires = memoryPair();
        const sinks: RecordingSink[] = [];
        let ends = 0;
        const session = new Http2ServerSession(
          wires.right,
          {
            onStream(stream, _fields, isEnd) {
              const sink = new RecordingSink();
              stream.sink = sink;
              sinks.push(sink);
              stream.sendHead(HeaderFields.of([[":status", "200"]]), false);
              stream.write(new Uint8Array(100));
              if (isEnd) stream.end();
            },
            onClose: () => void ends++,
          },
          { clock: new VirtualClock(), limits: { maxConcurrentStreams: 3 } },
        );
        const blocks = new BlockWriter();
        const frames = pieces.map((each) =>
          each instanceof Uint8Array ? each : blocks.request(each.id, each.flags),
        );
        const bytes = concat([clientPreface, frame(4, 0, 0, []), ...frames]);
        const recorder = new FrameRecorder();
        for (let at = 0; at < bytes.length; at += chunkBytes) {
          wires.right.sink.onData(bytes.subarray(at, at + chunkBytes));
          recorder.read(wires.right.take());
          expect(session.streamCount).toBeLessThanOrEqual(3);
        }
        reachedStreams += sinks.length;
        expect(recorder.lines.filter((line) => line.startsWith("CONNECTION ERROR"))).toEqual([]);
        session.close();
        session.close();
        expect(ends).toBe(1);
        for (const sink of sinks)
          expect(sink.events.filter((event) => event.startsWith("close"))).toHaveLength(1);
      },
    ),
    { numRuns: 1000 },
  );
  // Otherwise the frames above were all refused at the door, and nothing was shown.
  expect(reachedStreams).toBeGreaterThan(100);
});

/** Sends numbered bytes, and checks that those it gets are numbered too. */
class Counter implements StreamSink {
  stream: Http2Stream | undefined = undefined;
  received = 0;
  isInOrder = true;
  outcome: StreamOutcome | undefined = undefined;
  #sent = 0;

  get sent(): number {
    return this.#sent;
  }

  send(count: number): void {
    const chunk = new Uint8Array(count);
    for (let i = 0; i < count; i++) chunk[i] = (this.#sent + i) % 251;
    this.#sent += count;
    this.stream?.write(chunk);
  }

  onHead(): void {}
  onInterim(): void {}
  onData(chunk: Uint8Array): void {
    for (const byte of chunk) this.isInOrder &&= byte === this.received++ % 251;
  }
  onEnd(): void {}
  onDrain(): void {}
  onClose(outcome: StreamOutcome): void {
    this.outcome = outcome;
  }
}

const step = fc.record({
  do: fc.constantFrom("send", "send", "pause", "resume", "move", "move", "block"),
  side: fc.boolean(),
  index: fc.integer({ min: 0, max: 3 }),
  bytes: fc.constantFrom(0, 1, 5, 1000, 20_000),
});
const limits = fc.record({
  streamWindowBytes: fc.constantFrom(97, 65_535, 200_000),
  connectionWindowBytes: fc.constantFrom(65_535, 100_000),
  sendQueueBytes: fc.constantFrom(1, 10_000),
});

test("honest streams arrive whole and in order, whatever the windows, pauses and blockages", () => {
  fc.assert(
    fc.property(
      limits,
      limits,
      fc.array(step, { maxLength: 60, size: "max" }),
      (clientLimits, serverLimits, steps) => {
        const clock = new VirtualClock();
        const wires = memoryPair();
        const peers: Counter[] = [];
        new Http2ServerSession(
          wires.right,
          {
            onStream(stream) {
              const counter = new Counter();
              counter.stream = stream;
              stream.sink = counter;
              stream.sendHead(HeaderFields.of([[":status", "200"]]), false);
              peers.push(counter);
            },
            onClose() {},
          },
          { clock, limits: serverLimits },
        );
        const client = new Http2ClientSession(wires.left, { onClose() {} }, { clock, limits: clientLimits });
        const fields = HeaderFields.of([
          [":method", "POST"],
          [":scheme", "http"],
          [":path", "/"],
          [":authority", "x"],
        ]);
        const counters = Array.from({ length: 4 }, () => {
          const counter = new Counter();
          counter.stream = client.request(fields, false, counter);
          return counter;
        });
        wires.run();
        for (const { do: action, side, index, bytes } of steps) {
          const counter = (side ? counters : peers)[index];
          if (action === "send") counter?.send(bytes);
          else if (action === "pause") counter?.stream?.pause();
          else if (action === "resume") counter?.stream?.resume();
          else if (action === "block") (side ? wires.left : wires.right).highWaterBytes = bytes;
          else wires.run();
        }
        for (const counter of [...counters, ...peers]) {
          counter.stream?.resume();
          counter.stream?.end();
        }
        wires.run();
        for (const [index, counter] of counters.entries()) {
          const peer = peers[index];
          expect([peer?.received, counter.received]).toEqual([counter.sent, peer?.sent]);
          expect([counter.isInOrder, peer?.isInOrder]).toEqual([true, true]);
          expect([counter.outcome, peer?.outcome]).toEqual([{ kind: "done" }, { kind: "done" }]);
        }
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
