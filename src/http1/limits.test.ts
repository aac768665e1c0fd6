/** Bounds of the codec: each at its value and one above, whole and in pieces. */
import { describe, expect, test } from "bun:test";
import { defaultHttp1Limits, type Http1Limits } from "./limits.ts";
import { RequestParser } from "./request-parser.ts";
import { recordRequests, recordResponses } from "./testdata/recorder.ts";

const limits: Http1Limits = { ...defaultHttp1Limits, maxHeadBytes: 200, maxHeaders: 4, maxTargetBytes: 50 };

function record(raw: string): string[] {
  const bytes = Buffer.from(raw, "latin1");
  const whole = recordRequests([bytes], false, limits);
  const single = recordRequests(
    Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
    false,
    limits,
  );
  expect(single).toEqual(whole);
  return whole;
}

function headOf(size: number): string {
  const start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  return `${start}${"x".repeat(size - start.length - 4)}\r\n\r\n`;
}

describe("limits", () => {
  test("a head of exactly the limit passes, one byte more does not", () => {
    expect(record(headOf(200))).toEqual(["GET / none keep"]);
    expect(record(headOf(201))).toEqual(["! headers_too_large: head is too large"]);
  });

  test("a head without end is refused at the limit, not gathered", () => {
    const bytes = Buffer.from(headOf(400).slice(0, 300));
    expect(recordRequests([bytes.subarray(0, 190), bytes.subarray(190)], false, limits)).toEqual([
      "! headers_too_large: head is too large",
    ]);
  });

  test("a target of exactly the limit passes, one byte more does not", () => {
    const target = (size: number): string => `GET /${"t".repeat(size - 1)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    expect(record(target(50))).toEqual([`GET /${"t".repeat(49)} none keep`]);
    expect(record(target(51))).toEqual(["! uri_too_long: request target is too long"]);
  });

  test("as many fields as the limit pass, one more does not", () => {
    const fields = (count: number): string =>
      `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(count - 1)}\r\n`;
    expect(record(fields(4))).toEqual(["GET / none keep"]);
    expect(record(fields(5))).toEqual(["! headers_too_large: too many fields"]);
  });

  test("a response's status line without end is refused at the limit", () => {
    const bytes = Buffer.from(`HTTP/1.1 200 ${"x".repeat(300)}`);
    expect(recordResponses([bytes], {}, limits)).toEqual(["! upstream_malformed: head is too large"]);
    const pieces = [bytes.subarray(0, 100), bytes.subarray(100)];
    expect(recordResponses(pieces, {}, limits)).toEqual(["! upstream_malformed: head is too large"]);
  });

  test("the defaults take a head of 128 fields and 60 KiB", () => {
    const fields = Array.from({ length: 127 }, (_, i) => `X-${i}: ${"v".repeat(460)}\r\n`).join("");
    const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    expect(recordRequests([bytes])).toEqual(["GET / none keep"]);
  });
});

describe("stopping", () => {
  test("no callback comes after stop, not even from the chunk at hand", () => {
    const seen: string[] = [];
    const parser: RequestParser = new RequestParser({
      onHead() {
        seen.push("head");
        parser.stop();
      },
      onBody: () => seen.push("body"),
      onMessageEnd: () => seen.push("end"),
      onError: () => seen.push("error"),
    });
    parser.push(Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"));
    parser.end();
    expect(seen).toEqual(["head"]);
  });

  test("chunked content stops within a chunk", () => {
    const seen: string[] = [];
    const parser: RequestParser = new RequestParser({
      onHead() {},
      onBody(data) {
        seen.push(Buffer.from(data).toString());
        parser.stop();
      },
      onMessageEnd: () => seen.push("end"),
      onError: () => seen.push("error"),
    });
    parser.push(
      Buffer.from(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
      ),
    );
    expect(seen).toEqual(["a"]);
  });

  test("a pipelined request waits in the caller's chunk until next", () => {
    const seen: string[] = [];
    const parser: RequestParser = new RequestParser({
      onHead: (head) => seen.push(head.path),
      onBody() {},
      onMessageEnd() {},
      onError: () => seen.push("error"),
    });
    const first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    const chunk = Buffer.from(`${first}GET /2 HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(parser.push(chunk)).toBe(first.length);
    expect(parser.push(chunk.subarray(first.length))).toBe(0);
    expect(seen).toEqual(["/1"]);
    parser.next();
    expect(parser.push(chunk.subarray(first.length))).toBe(chunk.length - first.length);
    expect(seen).toEqual(["/1", "/2"]);
  });
});
