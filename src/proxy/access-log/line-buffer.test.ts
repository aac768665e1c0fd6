/** What is written piece by piece is what would have been put together as text. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { LineBuffer } from "./line-buffer.ts";
import { quote } from "./quote.ts";

const textOf = (buffer: LineBuffer): string => new TextDecoder().decode(buffer.view());

test("numbers are written as String writes them", () => {
  const edges = [0, 9, 10, 99, 100, 999_999_999, 1e9, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, -1, -(2 ** 31)];
  const check = (value: number): void => {
    const buffer = new LineBuffer().begin().number(value);
    buffer.commit();
    expect(textOf(buffer)).toBe(String(value));
  };
  for (const value of edges) check(value);
  fc.assert(fc.property(fc.maxSafeInteger(), check));
});

test("texts of any length and script are written as they are quoted", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 3_000 }), { maxLength: 20 }), (texts) => {
      const buffer = new LineBuffer();
      for (const text of texts) {
        buffer.begin().ascii('"').json(text).ascii('"');
        buffer.commit();
      }
      expect(textOf(buffer)).toBe(new TextDecoder().decode(Buffer.from(texts.map(quote).join(""))));
      expect(buffer.lines).toBe(texts.length);
    }),
  );
});

test("bytes are written as the text that they are in Latin-1", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(8), (octets, before) => {
      const source = Buffer.concat([Buffer.alloc(before, 0x22), octets, Buffer.from("\n")]);
      const [read, told] = [new LineBuffer().begin(), new LineBuffer().begin()];
      read.jsonBytes(source, before, before + octets.length).commit();
      told.json(Buffer.from(octets).toString("latin1")).commit();
      expect(textOf(read)).toBe(textOf(told));
    }),
  );
  const plain = Buffer.from("shop.example:8080");
  const buffer = new LineBuffer().begin().jsonBytes(plain, 0, plain.length);
  buffer.commit();
  expect(textOf(buffer)).toBe("shop.example:8080");
});

test("a line that was not committed is forgotten", () => {
  const buffer = new LineBuffer();
  buffer.begin().ascii("half a li");
  buffer.begin().ascii("whole\n");
  buffer.commit();
  expect(textOf(buffer)).toBe("whole\n");
});
