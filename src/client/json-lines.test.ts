/** Lines of JSON come out the same wherever the bytes are cut; broken and endless lines are refused. */
import { describe, expect, test } from "bun:test";
import { jsonLines } from "./json-lines.ts";

const text = '{"a":"é"}\n\n[1,2]\n"x"\n';
const values = [{ a: "é" }, [1, 2], "x"];

async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const value of jsonLines(chunks)) found.push(value);
  return found;
}

describe("jsonLines", () => {
  const bytes = Buffer.from(text);

  test("gives the same values wherever the input is cut", async () => {
    for (let cut = 0; cut <= bytes.length; cut++) expect(await all(chunked(bytes, [cut]))).toEqual(values);
    const everywhere = Array.from({ length: bytes.length }, (_, index) => index);
    expect(await all(chunked(bytes, everywhere))).toEqual(values);
  });

  test.each([
    ['{"a":1}\n{"b"', "cut off in the middle of a line"],
    ["not json\n", "no JSON"],
  ])("refuses %j", async (input, message) => {
    await expect(all(chunked(Buffer.from(input), []))).rejects.toThrow(message);
  });

  test("bounds a line", async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(1024 * 1024).fill(0x20);
    }
    await expect(all(endless())).rejects.toThrow("a line of more than");
  });
});
