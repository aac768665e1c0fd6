/** Patterns of paths: the templates' grammar, what they fit, and what is refused since it could never fit. */
import { expect, test } from "bun:test";
import { fitsPathPattern, normalizeEscapes, parsePathPattern, pathPatternProblem } from "./path-template.ts";

test.each([
  ["/a", "/a", true],
  ["/a", "/a/", false],
  ["/a*", "/abc", true],
  ["*.png", "/x/y.png", true],
  ["*", "/", true],
  ["*", "*", true],
  ["/{*}", "/a", true],
  ["/{*}", "/", false],
  ["/{*}", "/a/b", false],
  ["/{*}/b", "/a/b", true],
  ["/a/{**}", "/a", true],
  ["/a/{**}", "/a/", true],
  ["/a/{**}", "/a/b/c", true],
  ["/a/{**}", "/ab", false],
  ["/{**}", "/", true],
  ["/{**}", "*", false],
  ["/{**}/z", "/z", true],
  ["/{**}/z", "/x/y/z", true],
  ["/{**}/z", "/x/z/y", false],
  ["/a/{**}/{*}/z", "/a/z", false],
  ["/a/{**}/{*}/z", "/a/b/z", true],
  ["/a/{**}/a", "/a", false],
  ["/%7euser", "/~user", true],
  ["/a%2fb", "/a%2Fb", true],
  ["/é", "/%C3%A9", true],
])("%p on %p: %p", (pattern, path, isFit) => {
  const parsed = parsePathPattern(pattern);
  expect(parsed && fitsPathPattern(parsed, path)).toBe(isFit);
});

test.each([
  ["", "is empty"],
  ["a", "does not begin with / or *"],
  ["/a*b", "in its middle"],
  ["/a//b", "empty segment"],
  ["/a/../b", "dot segment"],
  ["/a/%2e%2E", "dot segment"],
  ["/a?b", "query"],
  ["/a\\b", "backslash"],
  ["/a%", "begins no escape"],
  ["/%zz", "begins no escape"],
  ["/%00", "NUL"],
  ["{*}", "does not begin with /"],
  ["/{**}/{**}", "more than once"],
  ["/a{*}", "whole segments"],
  ["/{name}", "whole segments"],
  ["/{*}/*", "whole segments"],
  ["/}", "whole segments"],
])("%p is refused: %s", (pattern, problem) => {
  expect(pathPatternProblem(pattern)).toContain(problem);
  expect(parsePathPattern(pattern)).toBeUndefined();
});

test("escapes are decoded where they hide an unreserved character only", () => {
  expect(normalizeEscapes("/%61%2d%2f%2e%3b")).toBe("/a-%2F.%3B");
});
