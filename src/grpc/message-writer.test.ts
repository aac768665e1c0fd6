/** A message in parts is the same bytes as in one, in as few pieces as frames need. */
import { expect, test } from "bun:test";
import { array, assert, integer, oneof, property } from "fast-check";
import type { Http2Stream } from "../http2/index.ts";
import { writeMessage } from "./message-writer.ts";

const frameBytes = 16 * 1024 - 1;

function written(parts: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const stream: Pick<Http2Stream, "write"> = { write: (piece) => pieces.push(piece) > 0 };
  expect(writeMessage(stream, parts)).toBe(true);
  return pieces;
}

test("whatever the parts are, the bytes are theirs behind their length", () => {
  const part = oneof(
    integer({ min: 0, max: 300 }),
    integer({ min: frameBytes - 6, max: frameBytes + 6 }),
    integer({ min: 0, max: 40_000 }),
  );
  assert(
    property(array(part, { maxLength: 12 }), (lengths) => {
      const parts = lengths.map((length, index) => new Uint8Array(length).fill(index + 1));
      const body = Buffer.concat(parts);
      const all = Buffer.concat(written(parts));
      expect(all[0]).toBe(0);
      expect(all.readUInt32BE(1)).toBe(body.length);
      expect(Bun.hash(all.subarray(5))).toBe(Bun.hash(body));
    }),
  );
});

test("two hundred small parts are two frames, and not two hundred", () => {
  const parts = Array.from({ length: 200 }, () => new Uint8Array(150));
  expect(written(parts).map(({ length }) => length <= frameBytes)).toEqual([true, true]);
});
