/** HTTP/2 under damage: header blocks, frames, and a server's and a client's sessions. */
import { VirtualClock } from "../../src/kernel/index.ts";
import { HeaderFields } from "../../src/http2/header-fields.ts";
import { HpackDecoder } from "../../src/http2/hpack-decoder.ts";
import { Http2ClientSession } from "../../src/http2/client-session.ts";
import { Http2ServerSession } from "../../src/http2/server-session.ts";
import { FrameRecorder, MemoryTransport, RecordingSink } from "../../src/http2/testing.ts";
import {
  answerOpening,
  answers,
  blockSequences,
  conversations,
  opening,
} from "../../src/http2/testing/corpus.ts";
import { mustHold } from "./must-hold.ts";
import { mutate, type Random } from "./mutate.ts";
import { randomPieces } from "./random-cuts.ts";
import { NaiveHpackDecoder } from "./naive-hpack.ts";

export const http2Targets = { hpack, frames, server, client } as const;

const maxListBytes = 2000;

/** A mutated block in the middle of a connection: the same fields as the naive decoder finds, or both refuse. */
function hpack(random: Random, inputs: number): number {
  const sequences = blockSequences();
  let valid = 0;
  for (let done = 0; done < inputs; ) {
    const sequence = random.pick(sequences);
    const decoder = new HpackDecoder(4096, maxListBytes);
    const naive = new NaiveHpackDecoder(4096);
    for (const block of sequence) {
      const input = random.below(3) === 0 ? block : mutate(random, block, random.pick(sequence));
      if (input !== block) done++;
      const result = decoder.decode(input);
      const expected = naive.decode(input);
      if (expected === "invalid" || result === "invalid") {
        mustHold(result === expected, "one refuses, the other does not", input);
        break;
      }
      const size = expected.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
      mustHold((result === "too_large") === size > maxListBytes, "the list's size is counted wrong", input);
      if (result instanceof HeaderFields) {
        const isSame =
          result.count === expected.length &&
          expected.every(([name, value], i) => result.nameAt(i) === name && result.valueAt(i) === value);
        mustHold(isSame, "different fields", input);
        if (input !== block) valid++;
      }
    }
  }
  return valid;
}

/** A mutated conversation, whole and cut at random: the parser says the same. */
function frames(random: Random, inputs: number): number {
  const seeds = conversations();
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(seeds);
    const input = mutate(random, seed, random.pick(seeds), random.below(16) === 0 ? 0 : opening.length);
    const whole = new FrameRecorder(true);
    whole.read(input);
    const cut = new FrameRecorder(true);
    for (const piece of randomPieces(random, input)) cut.read(piece);
    mustHold(whole.lines.join("\n") === cut.lines.join("\n"), "the cut makes a difference", input);
    if (!whole.lines.some((line) => line.startsWith("CONNECTION"))) valid++;
  }
  return valid;
}

const maxStreams = 3;
const response = HeaderFields.of([[":status", "200"]]);

/** A mutated conversation against a server that answers: no throw, no more streams than allowed, one close for each. */
function server(random: Random, inputs: number): number {
  const seeds = conversations();
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(seeds);
    const input = mutate(random, seed, random.pick(seeds), opening.length);
    const transport = new MemoryTransport();
    const sinks: RecordingSink[] = [];
    let ends = 0;
    const session = new Http2ServerSession(
      transport,
      {
        onStream(stream, _request, isEnd) {
          const sink = new RecordingSink();
          stream.sink = sink;
          sinks.push(sink);
          stream.sendHead(response, false);
          stream.write(new Uint8Array(20), isEnd);
        },
        onClose: () => void ends++,
      },
      { clock: new VirtualClock(), limits: { maxConcurrentStreams: maxStreams } },
    );
    const pieceBytes = 1 + random.below(input.length);
    for (let at = 0; at < input.length; at += pieceBytes) {
      transport.sink.onData(input.subarray(at, at + pieceBytes));
      mustHold(session.streamCount <= maxStreams, "too many streams", input);
    }
    if (!session.isClosed) valid++;
    if (random.below(8) === 0) mustHold(writesValidFrames(transport), "malformed frames were written", input);
    session.close();
    mustHold(ends === 1, "the session did not end once", input);
    const closes = sinks.map((sink) => sink.events.filter((event) => event.startsWith("close")).length);
    mustHold(
      closes.every((count) => count === 1),
      "a stream did not close once",
      input,
    );
  }
  return valid;
}

/** Mutated answers against a client with three requests. */
function client(random: Random, inputs: number): number {
  const seeds = answers();
  const request = HeaderFields.of([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "x"],
  ]);
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(seeds);
    const input = mutate(random, seed, random.pick(seeds), answerOpening.length);
    const transport = new MemoryTransport();
    let ends = 0;
    const session = new Http2ClientSession(
      transport,
      { onClose: () => void ends++ },
      { clock: new VirtualClock() },
    );
    const sinks = Array.from({ length: maxStreams }, () => new RecordingSink());
    for (const sink of sinks) session.request(request, false, sink)?.write(new Uint8Array(20), true);
    const pieceBytes = 1 + random.below(input.length);
    for (let at = 0; at < input.length; at += pieceBytes)
      transport.sink.onData(input.subarray(at, at + pieceBytes));
    if (!session.isClosed) valid++;
    session.close();
    mustHold(ends === 1, "the session did not end once", input);
    const closes = sinks.map((sink) => sink.events.filter((event) => event.startsWith("close")).length);
    mustHold(
      closes.every((count) => count === 1),
      "a stream did not close once",
      input,
    );
  }
  return valid;
}

function writesValidFrames(transport: MemoryTransport): boolean {
  const recorder = new FrameRecorder();
  recorder.read(transport.take());
  return !recorder.lines.some((line) => line.startsWith("CONNECTION"));
}
