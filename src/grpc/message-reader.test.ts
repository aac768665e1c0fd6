/** Messages out of bytes, however they are cut. */
import { expect, test } from "bun:test";
import { MessageReader } from "./message-reader.ts";

function prefixed(...messages: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((m) => [0, 0, 0, m.length >> 8, m.length & 255, ...m]));
}

test("reads the same messages whole, cut at every byte, and byte by byte", () => {
  const long = Array.from({ length: 300 }, (_, i) => i & 255);
  const messages = [[1, 2, 3], [], long, [9]];
  const bytes = prefixed(...messages);
  const read = (pieces: readonly Uint8Array[]): number[][] => {
    const seen: number[][] = [];
    const reader = new MessageReader((message) => void seen.push([...message]));
    for (const piece of pieces) expect(reader.push(piece)).toBeUndefined();
    expect(reader.isBetweenMessages).toBe(true);
    return seen;
  };
  expect(read([bytes])).toEqual(messages);
  for (let cut = 1; cut < bytes.length; cut++) {
    expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(messages);
  }
  expect(read(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))).toEqual(messages);
});

test("a claimed length takes no memory until bytes come", () => {
  const reader = new MessageReader(() => {});
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 200 }, () => new MessageReader(() => {}));
  for (const one of readers) one.push(Uint8Array.of(0, 0, 255, 255, 255, 1));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 16_384);
  expect(reader.isBetweenMessages).toBe(true);
  expect(readers[0]?.isBetweenMessages).toBe(false);
});

test("refuses a message over the bound before its first byte, and compressed ones", () => {
  const reader = new MessageReader(() => {}, 100);
  expect(reader.push(Uint8Array.of(0, 0, 0, 0, 101))?.code).toBe("resource_exhausted");
  expect(new MessageReader(() => {}).push(Uint8Array.of(0, 1, 0, 0, 1))?.code).toBe("resource_exhausted");
  expect(new MessageReader(() => {}).push(Uint8Array.of(1, 0, 0, 0, 1))?.code).toBe("unimplemented");
});

test("stops in the middle of a chunk when told to", () => {
  const seen: number[] = [];
  const reader = new MessageReader((message) => {
    seen.push(message[0] ?? 0);
    reader.stop();
  });
  reader.push(prefixed([1], [2]));
  expect(seen).toEqual([1]);
});
