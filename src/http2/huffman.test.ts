/** The Huffman code against the RFC's examples, for every byte. */
import { expect, test } from "bun:test";
import { decodeHuffman, encodeHuffman, huffmanLength } from "./huffman.ts";

function encode(text: string): Uint8Array {
  const out = new Uint8Array(huffmanLength(text));
  expect(encodeHuffman(text, out, 0)).toBe(out.length);
  return out;
}

function decode(bytes: Uint8Array): string | undefined {
  const out = Buffer.alloc(bytes.length * 2);
  const length = decodeHuffman(bytes, 0, bytes.length, out);
  return length < 0 ? undefined : out.toString("latin1", 0, length);
}

// RFC 7541, appendix C.4 and C.6.
test.each([
  ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
  ["no-cache", "a8eb10649cbf"],
  ["custom-key", "25a849e95ba97d7f"],
  ["custom-value", "25a849e95bb8e8b4bf"],
  ["302", "6402"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
  ["https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"],
  [
    "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
  ],
])("codes %p as the RFC does", (text, hex) => {
  expect(Buffer.from(encode(text)).toString("hex")).toBe(hex);
  expect(decode(Buffer.from(hex, "hex"))).toBe(text);
});

test("the code is complete: the lengths fill the tree exactly", () => {
  let sum = 2 ** -30; // end of string
  for (let symbol = 0; symbol < 256; symbol++) {
    // Eight copies take as many bytes as one symbol has bits.
    sum += 2 ** -huffmanLength(String.fromCharCode(symbol).repeat(8));
  }
  expect(sum).toBe(1);
});

test("every byte and every pair of bytes survives", () => {
  for (let a = 0; a < 256; a++) {
    expect(decode(encode(String.fromCharCode(a)))).toBe(String.fromCharCode(a));
    const b = String.fromCharCode(a, (a * 7 + 3) & 255, 255 - a);
    expect(decode(encode(b))).toBe(b);
  }
});

test.each([
  ["a padding of eight ones", "1fff"],
  ["padding with a zero", "18"],
  ["the end-of-string symbol", "ffffffff"],
  ["a code cut off", "fffe"],
])("refuses %s", (_name, hex) => {
  expect(decode(Buffer.from(hex, "hex"))).toBeUndefined();
});
