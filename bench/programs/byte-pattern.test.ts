import { expect, test } from "bun:test";
import { byteAt, pattern, patternBytes } from "./byte-pattern.ts";

test("what stands at an offset is what was sent there", () => {
  const bytes = pattern();
  for (const offset of [0, 1, 250, 251, patternBytes - 1])
    expect(byteAt(offset + 3 * patternBytes)).toBe(bytes[offset] ?? -1);
});

test("a shift by any buffer's size shows", () => {
  for (const shift of [1, 1024, 16_384, 65_536]) expect(byteAt(1000)).not.toBe(byteAt(1000 + shift));
});
