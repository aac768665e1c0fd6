/** The growable byte writer: nothing that was written is lost or written over while it grows. */
import { describe, expect, test } from "bun:test";
import { ByteWriter } from "./bytes.ts";

describe("ByteWriter", () => {
  test("grows from nothing and keeps what was written", () => {
    const out = new ByteWriter(0);
    for (let i = 0; i < 1_000; i++) out.byte(i & 0xff);
    expect([...out.view()]).toEqual(Array.from({ length: 1_000 }, (_, i) => i & 0xff));
  });

  test.each([0, 1, 15, 16, 17, 300])("copies ranges of %i bytes, from Buffers and plain arrays", (count) => {
    const source = Uint8Array.from({ length: 400 }, (_, i) => i & 0xff);
    for (const from of [source, Buffer.from(source)]) {
      const out = new ByteWriter(1);
      out.byte(7);
      out.appendRange(from, 3, 3 + count);
      out.append(from.subarray(0, count));
      expect([...out.view()]).toEqual([7, ...source.subarray(3, 3 + count), ...source.subarray(0, count)]);
    }
  });

  test("writes integers in network order", () => {
    const out = new ByteWriter(1);
    out.u16(0x0102);
    out.u24(0x030405);
    out.u32(0xfffefdfc);
    expect([...out.view()]).toEqual([1, 2, 3, 4, 5, 0xff, 0xfe, 0xfd, 0xfc]);
  });

  test.each([0, 9, 10, 15, 16, 255, 256, 65_535, 0xffffffff, 2 ** 40])(
    "writes %i as decimal and hexadecimal",
    (n) => {
      const out = new ByteWriter(1);
      out.decimal(n);
      out.byte(0x20);
      out.hex(n);
      expect(Buffer.from(out.view()).toString()).toBe(`${n} ${n.toString(16)}`);
    },
  );

  test("writes text in both encodings", () => {
    const out = new ByteWriter(1);
    out.latin1("aü");
    out.utf8("ü€");
    expect([...out.view()]).toEqual([0x61, 0xfc, 0xc3, 0xbc, 0xe2, 0x82, 0xac]);
  });

  test("taken bytes are not written over", () => {
    const out = new ByteWriter(4);
    out.latin1("abc");
    const taken = out.take();
    out.latin1("xyz");
    expect(Buffer.from(taken).toString()).toBe("abc");
    out.clear();
    expect(out.view().length).toBe(0);
  });
});
