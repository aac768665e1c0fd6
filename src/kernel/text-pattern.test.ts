/** Patterns of texts: what is one, what is none, what they fit. */
import { expect, test } from "bun:test";
import { fitsTextPattern, parseTextPattern, textPatternProblem } from "./text-pattern.ts";

test.each([
  ["a", "a", true],
  ["a", "ab", false],
  ["a*", "a", true],
  ["a*", "ab", true],
  ["a*", "ba", false],
  ["*a", "ba", true],
  ["*a", "ab", false],
  ["*", "a", true],
  ["*", "", false],
])("%p on %p: %p", (pattern, value, isFit) => {
  const parsed = parseTextPattern(pattern);
  expect(parsed && fitsTextPattern(parsed, value)).toBe(isFit);
});

test.each(["", "a*b", "*a*", "**"])("%p is no pattern", (pattern) => {
  expect(parseTextPattern(pattern)).toBeUndefined();
  expect(textPatternProblem(pattern)).toBeString();
});
