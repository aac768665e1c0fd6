/** Readings of a path: which there are, and which paths have none. */
import { expect, test } from "bun:test";
import { isPlainPath, readPath } from "./path-readings.ts";

test.each([
  ["/", ["/"]],
  ["*", ["*"]],
  ["/a/b", ["/a/b"]],
  ["/a//b/", ["/a/b/"]],
  ["/a/./b/..", ["/a/"]],
  ["/../a", ["/a"]],
  ["/%61%2D%c3%a9", ["/a-%C3%A9"]],
  ["/.well-known/x", ["/.well-known/x"]],
  ["/a//../b", ["/a/b", "/b"]],
  ["/a%2Fb", ["/a%2Fb", "/a/b"]],
  ["/a%2f..%2fb", ["/a%2F..%2Fb", "/b"]],
  ["/a\\..\\b", ["/a\\..\\b", "/b"]],
  ["/a%5C..%5Cb", ["/a%5C..%5Cb", "/a\\..\\b", "/b"]],
  ["/a;x/b", ["/a;x/b", "/a/b"]],
  ["/a/..;/b", ["/a/..;/b", "/b"]],
  ["/a%2fb;c%2fd", ["/a%2Fb;c%2Fd", "/a%2Fb", "/a/b;c/d", "/a/b", "/a/b/d"]],
])("%p", (path, readings) => {
  const read = readPath(path);
  expect(read && [read.normal, ...read.others].toSorted()).toEqual(readings.toSorted());
  expect(read?.normal).toBe(readings[0] ?? "");
});

test.each([
  "",
  "a",
  "http://a/b",
  "/%00",
  "/a%",
  "/a%4",
  "/a%zz",
  "/%ff",
  "/%c0%af",
  "/%ed%a0%80",
  "/a#b",
  "/a b",
  "/\u00e9",
])("%p cannot be read", (path) => {
  expect(readPath(path)).toBeUndefined();
  expect(isPlainPath(path)).toBe(false);
});

test("a plain path is its own only reading", () => {
  for (const path of ["/", "/a/b", "/a-b_c~d.e/", "/a:b@c!$&'()*+,=", "/a//b", "/./a", "/a;b", "/a%20"]) {
    const isOnly = Bun.deepEquals(readPath(path), { normal: path, others: [] });
    if (isPlainPath(path)) expect([path, isOnly]).toEqual([path, true]);
  }
  expect(isPlainPath("/a/b")).toBe(true);
  expect(isPlainPath("/a//b")).toBe(false);
});

test("whatever has a plain path's form is plain, and nothing else", () => {
  const codes = Array.from({ length: 0x101 }, (_, code) => String.fromCharCode(code));
  const odd = /[^!-~]|[%\\;#]|\/[./]/;
  for (const one of codes) {
    for (const two of ["", ...codes]) {
      for (const path of [`/${one}${two}`, `${one}/b${two}`]) {
        const isPlain = path.startsWith("/") && !odd.test(path);
        if (isPlainPath(path) !== isPlain) expect([path, isPlainPath(path)]).toEqual([path, isPlain]);
      }
    }
  }
});

test("the longest path with everything in it is read in bounded time", () => {
  const path = "/a;b%2f..%5c\\//../%41".repeat(800);
  const before = process.cpuUsage();
  for (let i = 0; i < 10; i++) readPath(path);
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
});
