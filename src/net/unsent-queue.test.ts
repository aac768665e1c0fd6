/** Unsent bytes come back in order however little the socket takes. */
import { describe, expect, test } from "bun:test";
import { UnsentQueue } from "./unsent-queue.ts";

/** Takes as many bytes as it has room for. */
class Taker {
  readonly taken: number[] = [];
  room = 0;

  write(bytes: Uint8Array, from: number, count: number): number {
    const accepted = Math.min(this.room, count);
    this.room -= accepted;
    for (let i = 0; i < accepted; i++) this.taken.push(bytes[from + i] ?? -1);
    return accepted;
  }
}

describe("UnsentQueue", () => {
  test("gives bytes back in order, across blocks, however little is taken", () => {
    const queue = new UnsentQueue();
    const taker = new Taker();
    const all: number[] = [];
    let next = 0;
    for (let round = 0; round < 60; round++) {
      const piece = Uint8Array.from({ length: 1 + ((round * 7919) % 9_000) }, () => next++ & 0xff);
      all.push(...piece.subarray(1));
      queue.append(piece, 1, piece.length);
      taker.room = (round * 104_729) % 7_000;
      queue.drainInto(taker);
      expect(queue.length).toBe(all.length - taker.taken.length);
    }
    taker.room = Number.POSITIVE_INFINITY;
    queue.drainInto(taker);
    expect(queue.length).toBe(0);
    expect(Buffer.from(taker.taken).equals(Buffer.from(all))).toBe(true);
  });

  test("keeps what it is given in order among what it copies, without copying it", () => {
    const queue = new UnsentQueue();
    const given = Uint8Array.of(3, 4, 5);
    queue.append(Uint8Array.of(1, 2), 0, 2);
    queue.adopt(given);
    queue.append(Uint8Array.of(6), 0, 1);
    queue.adopt(Uint8Array.of(7));
    queue.adopt(Uint8Array.of(8));
    queue.append(Uint8Array.of(9), 0, 1);
    given[2] = 55;
    expect(queue.length).toBe(9);
    const taker = new Taker();
    for (let left = 9; left > 0; left--) {
      taker.room = 1;
      expect(queue.drainInto(taker)).toBe(1);
      expect(queue.length).toBe(left - 1);
    }
    expect(taker.taken).toEqual([1, 2, 3, 4, 55, 6, 7, 8, 9]);
    queue.append(Uint8Array.of(1), 0, 1);
    taker.room = 1;
    expect(queue.drainInto(taker)).toBe(1);
  });

  test("stops when the socket is gone, and can be emptied and used again", () => {
    const queue = new UnsentQueue();
    queue.append(Uint8Array.of(1, 2, 3), 0, 3);
    expect(queue.drainInto({ write: () => -1 })).toBe(0);
    expect(queue.length).toBe(3);
    queue.clear();
    queue.append(Uint8Array.of(4), 0, 1);
    const taker = new Taker();
    taker.room = 9;
    expect(queue.drainInto(taker)).toBe(1);
    expect(taker.taken).toEqual([4]);
  });
});
