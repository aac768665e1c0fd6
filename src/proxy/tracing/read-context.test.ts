/** The quick look at a head's names never misses a field that is read. */
import { expect, test } from "bun:test";
import { type RequestHead, RequestParser } from "../../http1/index.ts";
import { maySpeakOfTraces, readContext } from "./read-context.ts";

function headWith(line: string): RequestHead {
  const heads: RequestHead[] = [];
  const parser = new RequestParser({
    onHead: (head) => void heads.push(head),
    onBody() {},
    onTrailers() {},
    onMessageEnd() {},
    onError() {},
  });
  parser.push(Buffer.from(`GET / HTTP/1.1\r\nhost: a\r\n${line}\r\n\r\n`, "latin1"));
  const [head] = heads;
  if (head === undefined) throw new Error("it is no head");
  return head;
}

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const span = "00f067aa0ba902b7";

test.each([
  ["traceparent", `00-${trace}-${span}-01`],
  ["tracestate", "a=b"],
  ["b3", `${trace}-${span}-1`],
  ["x-b3-traceid", trace],
  ["x-b3-sampled", "1"],
  ["x-b3-flags", "1"],
])("%s is seen, however it is written", (name, value) => {
  for (const written of [name, name.toUpperCase()]) {
    const head = headWith(`${written}: ${value}`);
    expect(maySpeakOfTraces(head)).toBe(true);
    const { parent, present, hasStrayState } = readContext(head, true);
    expect(parent !== undefined || present > 0 || hasStrayState).toBe(true);
  }
});

test("fields of other names cost no search", () => {
  const head = headWith("user-agent: curl/8\r\naccept: */*\r\nx-request-id: 1\r\ncookie: a=b");
  expect(maySpeakOfTraces(head)).toBe(false);
  expect(readContext(head, true)).toEqual(readContext(headWith("accept: */*"), true));
});
