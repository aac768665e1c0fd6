/** Splits a stream of bytes into lines and parses each as JSON. Bounded by the longest line, not by the stream. */
import { WeftError } from "../kernel/index.ts";

/** Several times the largest object. */
const maxLineBytes = 16 * 1024 * 1024;
const newline = 0x0a;

export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)]);
      pending = [];
      length = 0;
      rest = rest.subarray(end + 1);
      if (!line.every(isSpace)) yield parseLine(line);
    }
    length += rest.length;
    if (length > maxLineBytes)
      throw new WeftError("unavailable", `the server sent a line of more than ${maxLineBytes} bytes`);
    if (rest.length > 0) pending.push(rest);
  }
  if (!Buffer.concat(pending).every(isSpace))
    throw new WeftError("unavailable", "the server's answer was cut off in the middle of a line");
}

/** A server may send white space for a sign of life. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0d;
}

function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString("utf8"));
  } catch (cause) {
    throw new WeftError("unavailable", "the server sent a line that is no JSON", { cause });
  }
}
