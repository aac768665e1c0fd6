/** Answers of resolvers: what they say, and that nothing that they say is believed unchecked. */
import { describe, expect, test } from "bun:test";
import { parseDnsAnswer } from "./dns-answer.ts";
import { encodeDnsAnswer, encodeDnsQuery, parseDnsQuery } from "./dns-message.ts";

const name = "api.example.com";
const question = { id: 0xabcd, name, type: 1 };

function labels(text: string): number[] {
  return [...text.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]), 0];
}

function record(owner: number[], type: number, ttl: number, content: number[]): number[] {
  return [
    ...owner,
    0,
    type,
    0,
    1,
    0,
    0,
    ttl >> 8,
    ttl & 0xff,
    content.length >> 8,
    content.length & 0xff,
    ...content,
  ];
}

/** Flags 0x8180 with `rcode`; the question's name is at offset 12. */
function message(
  counts: { answers?: number; authorities?: number; flags?: number },
  ...records: number[][]
): Uint8Array {
  const { answers = 0, authorities = 0, flags = 0x8180 } = counts;
  const header = [0xab, 0xcd, flags >> 8, flags & 0xff, 0, 1, 0, answers, 0, authorities, 0, 0];
  return Uint8Array.from([...header, ...labels(name), 0, 1, 0, 1, ...records.flat()]);
}

const atQuestion = [0xc0, 12];

describe("an answer", () => {
  test("leads through aliases, for as long as the shortest record on the way", () => {
    const edge = labels("edge.cdn.example");
    const bytes = message(
      { answers: 4 },
      record(atQuestion, 5, 60, edge),
      record(edge, 1, 300, [192, 0, 2, 2]),
      record(edge, 1, 20, [192, 0, 2, 1]),
      record(labels("other.example"), 1, 1, [203, 0, 113, 1]),
    );
    expect(parseDnsAnswer(bytes, question)).toEqual({
      rcode: 0,
      isTruncated: false,
      addresses: ["192.0.2.2", "192.0.2.1"],
      ttlSeconds: 20,
    });
  });

  test("without addresses says for how long there are none", () => {
    const soa = [
      ...labels("ns.example"),
      ...labels("root.example"),
      ...Array<number>(16).fill(0),
      0,
      0,
      0,
      90,
    ];
    const bytes = message({ authorities: 1, flags: 0x8183 }, record(labels("example.com"), 6, 600, soa));
    expect(parseDnsAnswer(bytes, question)).toEqual({
      rcode: 3,
      isTruncated: false,
      addresses: [],
      ttlSeconds: 90,
    });
  });

  test("is what the own encoder writes, in both families and truncated", () => {
    for (const [type, addresses] of [
      [1, ["192.0.2.1", "192.0.2.9"]],
      [28, ["2001:db8::1", "2001:db8::2"]],
    ] as const) {
      const query = parseDnsQuery(encodeDnsQuery(7, name, type) ?? new Uint8Array());
      if (query === undefined || "rcode" in query) throw new Error("the own query is not readable");
      expect(query).toMatchObject({
        id: 7,
        name,
        type,
        recursionDesired: true,
        hasEdns: true,
        maxUdpBytes: 1_232,
      });
      const answer = { rcode: 0, addresses, ttlSeconds: 30 } as const;
      expect(parseDnsAnswer(encodeDnsAnswer(query, { ...answer, maxBytes: 1_232 }), query)).toEqual({
        rcode: 0,
        isTruncated: false,
        addresses: [...addresses],
        ttlSeconds: 30,
      });
      const short = encodeDnsAnswer(query, { ...answer, maxBytes: 60 });
      expect(parseDnsAnswer(short, query)?.isTruncated).toBe(true);
    }
  });

  test("to something else is none", () => {
    const bytes = message({ answers: 1 }, record(atQuestion, 1, 60, [192, 0, 2, 1]));
    expect(parseDnsAnswer(bytes, question)?.addresses).toEqual(["192.0.2.1"]);
    expect(parseDnsAnswer(bytes, { ...question, id: 1 })).toBeUndefined();
    expect(parseDnsAnswer(bytes, { ...question, name: "api.example.org" })).toBeUndefined();
    expect(parseDnsAnswer(bytes, { ...question, type: 28 })).toBeUndefined();
    bytes[2] = 0x01;
    expect(parseDnsAnswer(bytes, question)).toBeUndefined();
  });

  test("that leads in circles, or is cut off anywhere, ends", () => {
    const alias = labels("a.example");
    const circle = message(
      { answers: 2 },
      record(atQuestion, 5, 60, alias),
      record(alias, 5, 60, labels(name)),
    );
    expect(parseDnsAnswer(circle, question)?.addresses).toEqual([]);
    const self = message({ answers: 1 }, record([0xc0, 33], 1, 60, [192, 0, 2, 1]));
    expect(parseDnsAnswer(self, question)).toBeUndefined();
    const bytes = message(
      { answers: 2 },
      record(atQuestion, 5, 60, alias),
      record(alias, 1, 60, [192, 0, 2, 1]),
    );
    for (let end = 0; end < bytes.length; end++) {
      expect(parseDnsAnswer(bytes.subarray(0, end), question)?.addresses ?? []).toEqual([]);
    }
  });

  test("of random bytes neither throws nor takes long", () => {
    const seed = message({ answers: 3 }, record(atQuestion, 1, 60, [192, 0, 2, 1]));
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from(seed);
      for (let i = 0; i < 4; i++) bytes[(round * 31 + i * 17) % bytes.length] = (round * 7 + i * 91) & 0xff;
      parseDnsAnswer(bytes, question);
    }
  });
});

test.each(["", "a..b", "a b.example", `${"a".repeat(64)}.example`, `${"a.".repeat(128)}b`])(
  "%j is asked of nobody",
  (text) => {
    expect(encodeDnsQuery(1, text, 1)).toBeUndefined();
  },
);
