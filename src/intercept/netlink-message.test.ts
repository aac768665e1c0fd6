/** Netlink messages: the layout that the kernel wants, a round trip, every truncation refused. */
import { expect, test } from "bun:test";
import { attributeText, NetlinkWriter, parseAttributes, parseMessages } from "./netlink-message.ts";

test("writes lengths without padding and pads to four bytes", () => {
  const bytes = new NetlinkWriter()
    .begin(16, 5, 7)
    .attributeString(3, "lo")
    .attributeU16(4, 0x1234)
    .end()
    .bytes();
  expect([...bytes.subarray(16)]).toEqual([7, 0, 3, 0, 0x6c, 0x6f, 0, 0, 6, 0, 4, 0, 0x34, 0x12, 0, 0]);
  expect(new DataView(bytes.buffer).getUint32(0, true)).toBe(bytes.length);
});

test("reads back what it wrote, nested attributes and several messages included", () => {
  const writer = new NetlinkWriter();
  writer
    .begin(1, 0, 1)
    .nested(2, () => writer.attributeU32be(1, 0x01020304).attributeString(5, "abc"))
    .end();
  writer.begin(2, 0, 2).attributeU8(9, 255).end();
  const [first, second] = parseMessages(writer.bytes());
  const outer = parseAttributes(first?.payload ?? new Uint8Array());
  const inner = parseAttributes(outer.get(2) ?? new Uint8Array());
  expect([...(inner.get(1) ?? [])]).toEqual([1, 2, 3, 4]);
  expect(attributeText(inner.get(5))).toBe("abc");
  expect([first?.type, first?.sequence, second?.type, second?.sequence]).toEqual([1, 1, 2, 2]);
  expect([...(parseAttributes(second?.payload ?? new Uint8Array()).get(9) ?? [])]).toEqual([255]);
});

test("keeps what was written while the buffer grows inside nested attributes", () => {
  const writer = new NetlinkWriter().begin(1, 0, 1);
  const long = "x".repeat(5000);
  writer.nested(1, () => writer.nested(2, () => writer.attributeString(3, long)));
  const [message] = parseMessages(writer.end().bytes());
  const one = parseAttributes(message?.payload ?? new Uint8Array()).get(1) ?? new Uint8Array();
  expect(attributeText(parseAttributes(parseAttributes(one).get(2) ?? new Uint8Array()).get(3))).toBe(long);
});

test("refuses a message beyond its bound", () => {
  const writer = new NetlinkWriter().begin(1, 0, 1);
  expect(() => writer.raw(new Uint8Array(70_000))).toThrow("beyond its bound");
});

test("refuses every truncation of a message and of an attribute", () => {
  const whole = new NetlinkWriter().begin(1, 0, 1).attributeString(1, "name").end().bytes();
  for (let length = 1; length < whole.length - 3; length++) {
    expect(() => parseMessages(whole.subarray(0, length)), `${length} bytes`).toThrow("truncated");
  }
  expect(() => parseAttributes(Uint8Array.of(9, 0, 1, 0, 1))).toThrow("truncated");
  expect(() => parseAttributes(Uint8Array.of(3, 0, 1, 0))).toThrow("truncated");
});
