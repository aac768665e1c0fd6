/** Metadata, deadlines and status texts in the form that headers allow. */
import { expect, test } from "bun:test";
import { HeaderFields } from "../http2/index.ts";
import {
  appendMetadata,
  decodeMessage,
  encodeMessage,
  encodeTimeout,
  parseTimeoutMs,
  readMetadata,
} from "./metadata.ts";

test.each([
  ["plain text", "plain text"],
  ["100%", "100%25"],
  ["line\nbreak", "line%0Abreak"],
  ["grüße", "gr%C3%BC%C3%9Fe"],
  [" around ", "%20around%20"],
  ["", ""],
])("a status message %p travels as %p", (text, coded) => {
  expect(encodeMessage(text)).toBe(coded);
  expect(decodeMessage(coded)).toBe(text);
});

test("a broken escape is kept, a long message is cut", () => {
  expect(decodeMessage("50% of %zz %4")).toBe("50% of %zz %4");
  expect(encodeMessage("x".repeat(10_000)).length).toBe(2048);
});

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3000],
  ["4m", 4],
  ["5000u", 5],
  ["1n", 1],
  ["99999999H", 99_999_999 * 3_600_000],
] as const)("a timeout of %s is %d ms", (text, ms) => {
  expect(parseTimeoutMs(text)).toBe(ms);
});

test.each(["", "5", "S", "123456789S", "-1S", "1.5S", "1d", undefined])("%p is no timeout", (text) => {
  expect(parseTimeoutMs(text)).toBeUndefined();
});

test.each([
  [1, "1m"],
  [0.2, "1m"],
  [-5, "1m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [1e15, "99999999S"],
])("%d ms is written %s", (ms, text) => {
  expect(encodeTimeout(ms)).toBe(text);
});

test("metadata keeps out of the protocol's own fields and drops what no field may hold", () => {
  const fields = new HeaderFields();
  appendMetadata(
    fields,
    new Map([
      ["x-a", "1"],
      ["grpc-status", "0"],
      [":path", "/evil"],
      ["content-type", "text/html"],
      ["x-b", "line\r\nbreak"],
      ["X-C", "upper"],
      ["x-d", " padded"],
      ["authorization", "Bearer t"],
    ]),
  );
  expect(fields.entries()).toEqual([
    ["x-a", "1"],
    ["authorization", "Bearer t"],
  ]);
  expect(fields.isSensitive(1)).toBe(true);
  const read = readMetadata(
    HeaderFields.of([
      [":path", "/"],
      ["x-a", "1"],
      ["te", "trailers"],
      ["x-a", "2"],
    ]),
  );
  expect([...read]).toEqual([["x-a", "1,2"]]);
});
