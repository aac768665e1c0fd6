/** Deadlines as they travel. */
import { expect, test } from "bun:test";
import { encodeGrpcTimeout, parseGrpcTimeout } from "./timeout.ts";

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3000],
  ["4m", 4],
  ["5000u", 5],
  ["1n", 1],
  ["0n", 0],
  ["00000001S", 1000],
  ["99999999H", 99_999_999 * 3_600_000],
] as const)("a timeout of %s is %d ms", (text, ms) => {
  expect(parseGrpcTimeout(text)).toBe(ms);
});

test.each([
  ...["", "5", "S", "123456789S", "-1S", "+1S", "1.5S", "1d", "1s", "1h", " 1S", "1S ", "1 S", "0x1S"],
  ...["1e3m", "１S", "1S2S", "1constructor", "1S\0"],
])("%p is no timeout", (text) => {
  expect(parseGrpcTimeout(text)).toBeUndefined();
});

test.each([
  [1, "1m"],
  [0.2, "1m"],
  [-5, "1m"],
  [99_999_999, "99999999m"],
  [99_999_999.5, "100000S"],
  [100_000_000, "100000S"],
  [1e15, "99999999S"],
  [Number.POSITIVE_INFINITY, "99999999S"],
])("%d ms is written %s", (ms, text) => {
  expect(encodeGrpcTimeout(ms)).toBe(text);
});

test("what is written is read as no less than it was", () => {
  for (let ms = 1; ms < 1e11; ms = Math.ceil(ms * 1.7)) {
    const again = parseGrpcTimeout(encodeGrpcTimeout(ms)) ?? 0;
    expect(again).toBeGreaterThanOrEqual(ms);
    expect(again - ms).toBeLessThan(1000);
  }
});
