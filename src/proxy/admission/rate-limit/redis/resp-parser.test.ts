/** RESP cut at every byte, broken, and at random. */
import { describe, expect, test } from "bun:test";
import { encodeCommand } from "./resp-command.ts";
import { RespError, RespParser, type RespValue } from "./resp-parser.ts";

function parse(...chunks: readonly Uint8Array[]): { replies: RespValue[]; problem: string | undefined } {
  const replies: RespValue[] = [];
  const parser = new RespParser((reply) => void replies.push(reply));
  let problem: string | undefined;
  for (const chunk of chunks) problem = parser.push(chunk);
  return { replies, problem };
}

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

const good: readonly (readonly [string, RespValue[]])[] = [
  ["+OK\r\n", ["OK"]],
  ["+\r\n", [""]],
  ["-NOSCRIPT No matching script.\r\n", [new RespError("NOSCRIPT No matching script.")]],
  [":0\r\n:-7\r\n:+9007199254740991\r\n", [0, -7, 9_007_199_254_740_991]],
  ["$5\r\nhello\r\n", ["hello"]],
  ["$0\r\n\r\n", [""]],
  ["$4\r\n\r\n\r\n\r\n", ["\r\n\r\n"]],
  ["$2\r\n\xc3\xa9\r\n", ["é"]],
  ["$-1\r\n*-1\r\n_\r\n", [null, null, null]],
  ["*0\r\n", [[]]],
  ["*3\r\n:1\r\n:2\r\n:-1\r\n", [[1, 2, -1]]],
  ["*2\r\n*2\r\n+a\r\n$1\r\nb\r\n*0\r\n", [[["a", "b"], []]]],
  ["#t\r\n#f\r\n", [true, false]],
  [",1.5\r\n,-2e3\r\n,inf\r\n", [1.5, -2_000, "inf"]],
  ["(123456789012345678901234567890\r\n", ["123456789012345678901234567890"]],
  ["=7\r\ntxt:abc\r\n", ["abc"]],
  ["!7\r\nERR bad\r\n", [new RespError("ERR bad")]],
  ["%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", [["a", 1, "b", [2]]]],
  ["~2\r\n:1\r\n:2\r\n", [[1, 2]]],
  [">2\r\n+message\r\n+hi\r\n:1\r\n", [1]],
  ["|1\r\n+ttl\r\n:3\r\n:1\r\n", [1]],
  ["*2\r\n|1\r\n+k\r\n+v\r\n:1\r\n:2\r\n", [[1, 2]]],
  ["|0\r\n+x\r\n", ["x"]],
];

describe("replies", () => {
  for (const [text, replies] of good) {
    test(`${JSON.stringify(text)}, whole, byte by byte and cut at each byte`, () => {
      const whole = bytes(text);
      expect(parse(whole)).toEqual({ replies, problem: undefined });
      expect(parse(...Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual({
        replies,
        problem: undefined,
      });
      for (let at = 0; at <= whole.length; at++) {
        expect(parse(whole.subarray(0, at), whole.subarray(at))).toEqual({ replies, problem: undefined });
      }
    });
  }

  test("an error tells its code by its first word", () => {
    const codes = ["LOADING Redis is", "READONLY You can't", "ERR x", "oops", ""].map(
      (text) => new RespError(text).code,
    );
    expect(codes).toEqual(["LOADING", "READONLY", "ERR", "unknown", "unknown"]);
  });
});

describe("what is no RESP", () => {
  const bad: readonly string[] = [
    "HTTP/1.1 400 Bad Request\r\n",
    "\r\n",
    "+a\nb\r\n",
    "+a\rb\r\n",
    ":1.5\r\n",
    ":9007199254740992\r\n",
    ":\r\n",
    "$-2\r\n",
    "$65537\r\n",
    "$99999999999\r\n",
    "$?\r\n",
    "$3\r\nabcd\r\n",
    "$3\r\nabc\rx",
    "*1025\r\n",
    "*2\r\n*1024\r\n",
    "%513\r\n",
    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    "*-2\r\n",
    "#x\r\n",
    ",1,5\r\n",
    "_x\r\n",
    "=2\r\nab\r\n",
    "*1\r\n>1\r\n:1\r\n",
    `+${"x".repeat(4_097)}`,
    `+${"x".repeat(5_000)}\r\n`,
  ];
  for (const text of bad) {
    test(`${JSON.stringify(text.slice(0, 40))} ends the connection, however it is cut`, () => {
      const whole = bytes(text);
      const { problem } = parse(whole);
      expect(problem).toBeDefined();
      expect(parse(...Array.from(whole, (byte) => Uint8Array.of(byte))).problem).toBeDefined();
      expect(parse(whole, bytes("+OK\r\n"))).toEqual({ replies: parse(whole).replies, problem });
    });
  }
});

test("random bytes and broken replies never throw, never keep more than the bounds, and read alike however they are cut", () => {
  let seed = 20_260_101;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const corpus = good.map(([text]) => bytes(text));
  for (let run = 0; run < 20_000; run++) {
    const parts = Array.from({ length: 1 + random(4) }, () => corpus[random(corpus.length)] ?? bytes(""));
    const whole = Buffer.concat(parts);
    const edits = random(3);
    for (let i = 0; i < edits; i++)
      whole[random(whole.length)] = random(2) === 0 ? random(256) : 0x30 + random(10);
    const cut = random(whole.length + 1);
    const once = parse(whole);
    const twice = parse(whole.subarray(0, cut), whole.subarray(cut));
    expect(twice.replies).toEqual(once.replies);
    expect(twice.problem === undefined).toBe(once.problem === undefined);
  }
});

test("a command is a list of bulk strings with the lengths of bytes", () => {
  expect(Buffer.from(encodeCommand(["SET", "é\r\n", ""])).toString()).toBe(
    "*3\r\n$3\r\nSET\r\n$4\r\né\r\n\r\n$0\r\n\r\n",
  );
});
