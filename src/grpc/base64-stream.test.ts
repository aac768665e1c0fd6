/** Base64 in pieces, against the runtime's own where both must agree. */
import { expect, test } from "bun:test";
import { Base64Decoder, Base64Encoder } from "./base64-stream.ts";

function decode(pieces: readonly Uint8Array[]): string | undefined {
  const decoder = new Base64Decoder();
  const out: number[] = [];
  for (const piece of pieces) {
    out.push(...decoder.push(piece));
    if (decoder.isBroken) return undefined;
  }
  return decoder.isBetweenGroups ? Buffer.from(out).toString("latin1") : undefined;
}

function expectEverySplit(text: string, wanted: string | undefined): void {
  const bytes = Buffer.from(text, "latin1");
  expect(decode([bytes])).toBe(wanted);
  for (let cut = 0; cut <= bytes.length; cut++) {
    expect(decode([bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(wanted);
  }
  expect(decode(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))).toBe(wanted);
}

test.each([
  ["", ""],
  // RFC 4648 section 10
  ["Zg==", "f"],
  ["Zm8=", "fo"],
  ["Zm9v", "foo"],
  ["Zm9vYg==", "foob"],
  ["Zm9vYmE=", "fooba"],
  ["Zm9vYmFy", "foobar"],
  ["+/+/", "\xfb\xff\xbf"],
  ["Zg==Zm8=Zm9vZg==", "ffofoof"],
  ["AAAA", "\0\0\0"],
])("%p is read as %p wherever it is cut", (text, wanted) => {
  expectEverySplit(text, wanted);
});

test.each([
  ...["Z", "Zg", "Zg=", "Zm8", "Zm9vY", "=", "====", "Z===", "Zg===", "Zm8==", "Zm9v=", "=Zg="],
  ...["Zg=Z", "Zg= =", "Zm 9v", "Zm9v\n", "Zm9v\r\n", "Zm-_", "Zm9v\0", "Zm9\x80", "Zm9\xff"],
  // Bits behind the last byte (section 3.5)
  ...["Zh==", "Zm9=", "Zn==", "Zm8=Zh=="],
])("%p is refused wherever it is cut", (text) => {
  expectEverySplit(text, undefined);
});

test("what was found broken stays so", () => {
  const decoder = new Base64Decoder();
  expect(Buffer.from(decoder.push(Buffer.from("Zm9v!Zm9v"))).toString()).toBe("foo");
  expect(decoder.isBroken).toBe(true);
  expect(decoder.push(Buffer.from("Zm9v")).length).toBe(0);
  expect(decoder.isBetweenGroups).toBe(false);
});

test("encodes and decodes all bytes as the runtime does, however they are cut and flushed", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7 + (i >> 8)) & 255);
  for (let piece = 1; piece <= 40; piece++) {
    for (const flushes of [false, true]) {
      const encoder = new Base64Encoder();
      let text = "";
      for (let from = 0; from < bytes.length; from += piece) {
        const end = Math.min(bytes.length, from + piece);
        const out = new Uint8Array(encoder.maxLength(end - from));
        const isLast = end === bytes.length;
        const to = encoder.encode(bytes, { from, end, flushes: flushes || isLast }, out, 0);
        expect(to).toBeLessThanOrEqual(out.length);
        text += Buffer.from(out.subarray(0, to)).toString("latin1");
      }
      if (!flushes) expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(decode([Buffer.from(text)])).toBe(Buffer.from(bytes).toString("latin1"));
    }
  }
});
