/** How long a callee asks to be left alone, in each of the forms that exist, and what is none of them. */
import { describe, expect, test } from "bun:test";
import { parsePushback, parseRetryAfter } from "./retry-after.ts";

const nowMs = Date.UTC(1994, 10, 6, 8, 49, 0);

describe("Retry-After", () => {
  test.each([
    ["0", 0],
    ["120", 120_000],
    ["9999999999", 3_155_760_000_000],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
    ["Sun, 06 Nov 1994 08:48:37 GMT", 0],
    ["Sun Nov  6 08:49:37 1994", 37_000],
    ["Tuesday, 06-Nov-29 08:49:37 GMT", Date.UTC(2029, 10, 6, 8, 49, 37) - nowMs],
  ])("%p is %d ms", (text, expected) => {
    expect(parseRetryAfter(text, nowMs)).toBe(expected);
  });

  test.each([
    ...["", "-1", "+1", "1.5", "1e3", " 1", "1 ", "0x10", "12345678901", "soon", "NaN"],
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 25:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT, 5",
  ])("%p is none", (text) => {
    expect(parseRetryAfter(text, nowMs)).toBeUndefined();
  });
});

test.each([
  ["0", 0],
  ["250", 250],
  ["-1", "never"],
  ["", "never"],
  ["1.5", "never"],
  ["99999999999", "never"],
] as const)("a pushback of %p is %p", (text, expected) => {
  expect(parsePushback(text)).toBe(expected);
});
