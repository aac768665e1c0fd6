/** What a response parser does with bytes that nobody asked for. */
import { expect, test } from "bun:test";
import { ResponseParser } from "./response-parser.ts";

test("behind bytes that answer no request, nothing is read any more, whatever is asked later", () => {
  const seen: string[] = [];
  const parser: ResponseParser = new ResponseParser({
    onInterim: () => seen.push("interim"),
    onHead: (head) => seen.push(String(head.status)),
    onBody() {},
    onMessageEnd: () => seen.push("end"),
    onError: () => seen.push("error"),
  });
  const answer = "HTTP/1.1 204 No Content\r\n\r\n";
  const chunk = Buffer.from(`${answer}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
  parser.expect("GET");
  expect(parser.push(chunk)).toBe(answer.length);
  parser.expect("GET");
  expect(parser.push(chunk)).toBe(0);
  expect(seen).toEqual(["204", "end"]);
});
