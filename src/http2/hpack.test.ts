/** HPACK against the RFC's own examples, against itself, and against hostile blocks. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { HeaderFields } from "./header-fields.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { encodeBlock } from "./testing.ts";

type Entries = [string, string][];

function decodeHex(decoder: HpackDecoder, hex: string): Entries | string {
  const result = decoder.decode(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  return result instanceof HeaderFields ? result.entries() : result;
}

const request1: Entries = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
];

// RFC 7541, appendix C.3 and C.4: three requests on one connection.
test.each([
  [
    "plain",
    [
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ],
  ],
  [
    "Huffman",
    [
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ],
  ],
])("decodes the RFC's requests, %s", (_name, blocks) => {
  const decoder = new HpackDecoder(4096, 65536);
  expect(decodeHex(decoder, blocks[0] ?? "")).toEqual(request1);
  expect(decodeHex(decoder, blocks[1] ?? "")).toEqual([...request1, ["cache-control", "no-cache"]]);
  expect(decodeHex(decoder, blocks[2] ?? "")).toEqual([
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ]);
});

// Appendix C.6: a table of 256 bytes, so entries are evicted.
test("decodes the RFC's responses with eviction", () => {
  const decoder = new HpackDecoder(256, 65536);
  const location: [string, string] = ["location", "https://www.example.com"];
  const date = (second: number): [string, string] => ["date", `Mon, 21 Oct 2013 20:13:${second} GMT`];
  expect(
    decodeHex(
      decoder,
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    ),
  ).toEqual([[":status", "302"], ["cache-control", "private"], date(21), location]);
  expect(decodeHex(decoder, "4883 640e ffc1 c0bf")).toEqual([
    [":status", "307"],
    ["cache-control", "private"],
    date(21),
    location,
  ]);
  expect(
    decodeHex(
      decoder,
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ),
  ).toEqual([
    [":status", "200"],
    ["cache-control", "private"],
    date(22),
    location,
    ["content-encoding", "gzip"],
    ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
  ]);
});

test.each([
  ["index 0", "80"],
  ["an index beyond the tables", "be"],
  ["an index cut off", "ff"],
  ["an integer without end", "ffffffffffffffffffff"],
  ["a string longer than the block", "400a6162"],
  ["a name without a value", "400161"],
  ["broken Huffman in a value", "4001618118"],
  ["a table larger than allowed", "3fe21f"],
  ["a size update after a field", "8220"],
])("refuses %s", (_name, hex) => {
  expect(decodeHex(new HpackDecoder(4096, 65536), hex)).toBe("invalid");
});

test("any cut of a block is either refused or a prefix of its fields", () => {
  const fields = HeaderFields.of([...request1, ["x-long", "v".repeat(300)], ["x-\u00e9", "\u00ff\u0001"]]);
  const block = encodeBlock(new HpackEncoder(), fields);
  for (let cut = 0; cut < block.length; cut++) {
    const result = new HpackDecoder(4096, 65536).decode(block.subarray(0, cut));
    if (result === "invalid") continue;
    expect(result).toBeInstanceOf(HeaderFields);
    if (result instanceof HeaderFields)
      expect(result.entries()).toEqual(fields.entries().slice(0, result.count));
  }
});

test("what one end encodes the other decodes, over many blocks and table sizes", () => {
  const text = (max: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)), maxLength: max });
  const name = fc.oneof(
    fc.constantFrom(":path", "cookie", "authorization", "accept", "x-a", "x-b"),
    text(12),
  );
  const value = fc.oneof(fc.constantFrom("", "/", "a", "b", "c"), text(200));
  const field = fc.tuple(name, value, fc.boolean());
  const step = fc.oneof(
    fc.record({ fields: fc.array(field, { maxLength: 12, size: "max" }) }),
    fc.record({ tableBytes: fc.constantFrom(0, 40, 100, 1000, 4096, 65536) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(4096, 1 << 20);
      for (const one of steps) {
        if ("tableBytes" in one) {
          encoder.setPeerTableBytes(one.tableBytes);
          continue;
        }
        const fields = new HeaderFields();
        for (const [n, v, isSensitive] of one.fields) {
          if (isSensitive) fields.addSensitive(n, v);
          else fields.add(n, v);
        }
        const decoded = decoder.decode(encodeBlock(encoder, fields));
        expect(decoded).toBeInstanceOf(HeaderFields);
        if (!(decoded instanceof HeaderFields)) return;
        expect(decoded.entries()).toEqual(fields.entries());
        for (let i = 0; i < fields.count; i++)
          if (fields.isSensitive(i)) expect(decoded.isSensitive(i)).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});

test("fields that come again shrink to one byte each, secrets never enter the table", () => {
  const encoder = new HpackEncoder();
  const fields = HeaderFields.of([
    [":method", "POST"],
    ["content-type", "application/grpc"],
    ["user-agent", "weft"],
    ["x-tenant", "blue"],
  ]);
  encodeBlock(encoder, fields);
  encodeBlock(encoder, fields);
  expect(encodeBlock(encoder, fields).length).toBe(4);
  const secret = HeaderFields.of([["authorization", "Bearer abc"]]);
  const first = encodeBlock(encoder, secret).length;
  expect(encodeBlock(encoder, secret).length).toBe(first);
  expect((encodeBlock(encoder, secret)[0] ?? 0) & 0xf0).toBe(0x10);
});

test("tables full of small fields stay in step, through growth and eviction", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096, 65536);
  for (let round = 0; round < 200; round++) {
    // Each field comes in three rounds, then makes room for others.
    const fields = HeaderFields.of(
      Array.from({ length: 60 }, (_, i) => [`x-${i}`, `${Math.floor((round + i) / 3)}`] as const),
    );
    const decoded = decoder.decode(encodeBlock(encoder, fields));
    expect(decoded instanceof HeaderFields && decoded.entries()).toEqual(fields.entries());
  }
});

test("values that come only once leave the table to those that come again", () => {
  const encoder = new HpackEncoder();
  const request = (index: number): HeaderFields =>
    HeaderFields.of([
      ["x-tenant", "blue"],
      ["x-request-id", `${index}`.padStart(36, "0")],
    ]);
  for (let index = 0; index < 1000; index++) encodeBlock(encoder, request(index));
  // One byte for the tenant; for the identifier a name's index in two, a length, and its text.
  expect(encodeBlock(encoder, request(1000)).length).toBe(1 + 2 + 1 + 36);
});

test("a character that is no byte never becomes a line break", () => {
  const decoder = new HpackDecoder(4096, 65536);
  const encoder = new HpackEncoder();
  for (const value of ["a\u010d\u010ab", "\u010d".repeat(60)]) {
    for (let i = 0; i < 3; i++) {
      const decoded = decoder.decode(encodeBlock(encoder, HeaderFields.of([["x-odd", value]])));
      expect(decoded instanceof HeaderFields && decoded.get("x-odd")).toBe(value.replace(/[^\0-\xff]/g, "?"));
    }
  }
});

test("a bomb costs what its compressed bytes cost and leaves the table in step", () => {
  const decoder = new HpackDecoder(4096, 16384);
  const encoder = new HpackEncoder();
  // One entry of nearly the whole table, then a reference to it in every byte.
  const fields = HeaderFields.of([["x-big", "v".repeat(1000)]]);
  decoder.decode(encodeBlock(encoder, fields));
  const big = encodeBlock(encoder, fields); // the second time it is put into the table
  const bomb = new Uint8Array(big.length + 60_000).fill(0xbe, big.length);
  bomb.set(big);
  expect(decoder.decode(bomb)).toBe("too_large"); // 62 MB if it were unfolded
  const after = decoder.decode(encodeBlock(encoder, fields));
  expect(after instanceof HeaderFields && after.get("x-big")?.length).toBe(1000);
});
