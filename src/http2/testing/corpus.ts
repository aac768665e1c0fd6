/** Valid traffic from which mutated inputs are made: header blocks, and what a client sends on a connection. */
import { clientPreface } from "../frame.ts";
import { HeaderFields } from "../header-fields.ts";
import { HpackEncoder } from "../hpack-encoder.ts";
import { BlockWriter, bytesOf, concat, encodeBlock, frame, uint32 } from "../testing.ts";

type Entries = readonly (readonly [string, string])[];

const heads: readonly Entries[] = [
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/"],
    [":authority", "www.example.com"],
    ["user-agent", "curl/8.5.0"],
    ["accept", "*/*"],
  ],
  [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/shop.Catalogue/GetItem"],
    [":authority", "catalogue:80"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ["grpc-timeout", "4000000u"],
    ["authorization", "Bearer 0123456789"],
  ],
  [
    [":status", "200"],
    ["date", "Thu, 27 Nov 2025 10:20:30 GMT"],
    ["content-length", "1234"],
    ["x-odd", "\u00e9\u00ff{}|~"],
  ],
  [
    ["grpc-status", "0"],
    ["grpc-message", ""],
  ],
];

/** Sequences of blocks of one connection each, whose tables depend on one another; small tables too. */
export function blockSequences(): Uint8Array[][] {
  const sequences: Uint8Array[][] = [];
  for (const tableBytes of [4096, 120, 0]) {
    const encoder = new HpackEncoder();
    encoder.setPeerTableBytes(tableBytes);
    const sequence: Uint8Array[] = [];
    for (let round = 0; round < 3; round++)
      for (const head of heads) sequence.push(encodeBlock(encoder, HeaderFields.of(head)));
    sequences.push(sequence);
  }
  return sequences;
}

/** Bytes that every conversation begins with, which mutation leaves alone: else nothing behind them is reached. */
export const opening: Uint8Array = concat([clientPreface, frame(4, 0, 0, [0, 4, ...uint32(100_000)])]);

/** The same of a server: SETTINGS alone. */
export const answerOpening: Uint8Array = frame(4, 0, 0, [0, 3, ...uint32(100)]);

/** Answers to requests on the streams 1, 3 and 5: interim heads, bodies, trailers, a reset, the end. */
export function answers(): Uint8Array[] {
  const blocks = new BlockWriter();
  const head = (streamId: number, flags: number, entries: Entries): Uint8Array =>
    frame(1, flags | 4, streamId, blocks.block(entries));
  const first = concat([
    answerOpening,
    frame(4, 1, 0, []),
    head(3, 0, [[":status", "103"]]),
    head(1, 0, heads[2]?.filter(([name]) => name !== "content-length") ?? []),
    head(3, 0, [
      [":status", "200"],
      ["content-length", "11"],
    ]),
    frame(0, 0x8, 1, [2, ...bytesOf("padded"), 0, 0]),
    frame(0, 0, 3, bytesOf("hello ")),
    frame(8, 0, 3, uint32(100)),
    frame(0, 1, 3, bytesOf("world")),
    head(1, 1, heads[3] ?? []),
    frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    head(5, 1, [[":status", "204"]]),
    frame(8, 0, 0, uint32(70_000)),
  ]);
  const second = concat([
    answerOpening,
    head(1, 1, [[":status", "404"]]),
    frame(3, 0, 3, uint32(7)),
    frame(4, 0, 0, [0, 4, ...uint32(5), 0, 8, ...uint32(1)]),
    head(5, 0, [[":status", "200"]]),
    frame(0, 0, 3, bytesOf("late")),
    frame(7, 0, 0, [...uint32(5), ...uint32(0), ...bytesOf("bye")]),
    frame(0, 1, 5, bytesOf("end")),
  ]);
  return [first, second];
}

/** Every kind of frame, on several streams, cut, padded and prioritised. */
export function conversations(): Uint8Array[] {
  const blocks = new BlockWriter();
  const tail = blocks.block(heads[0] ?? []);
  const first = concat([
    opening,
    frame(4, 1, 0, []),
    blocks.request(1, 1),
    blocks.request(3, 0, [["content-length", "11"]]),
    frame(0, 0, 3, bytesOf("hello ")),
    frame(8, 0, 3, uint32(100)),
    frame(0, 1, 3, bytesOf("world")),
    frame(1, 0x8 | 0x20 | 1, 5, [3, ...uint32(0), 15, ...tail.subarray(0, 4), 0, 0, 0]),
    frame(9, 0, 5, tail.subarray(4, 9)),
    frame(9, 4, 5, tail.subarray(9)),
    frame(2, 0, 7, [...uint32(1), 9]),
    frame(3, 0, 3, uint32(8)),
    frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    frame(8, 0, 0, uint32(70_000)),
  ]);
  const others = new BlockWriter();
  const second = concat([
    opening,
    others.request(1, 0),
    frame(0, 0x8, 1, [4, ...bytesOf("padded"), 0, 0, 0, 0]),
    others.request(3, 0),
    frame(3, 0, 1, uint32(8)),
    frame(0, 0, 1, bytesOf("late")),
    frame(4, 0, 0, [0, 1, ...uint32(0), 0, 4, ...uint32(5), 0, 5, ...uint32(16_384)]),
    others.request(5, 1),
    frame(1, 5, 3, others.block([["x-trailer", "1"]])),
    frame(0xbb, 0xff, 9, bytesOf("an extension")),
    frame(7, 0, 0, [...uint32(0), ...uint32(0), ...bytesOf("bye")]),
  ]);
  return [first, second];
}
