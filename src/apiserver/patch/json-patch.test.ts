/** JSON Patch: RFC 6902's own examples (appendix A), and what must not get through. */
import { describe, expect, test } from "bun:test";
import { WeftError } from "../../kernel/index.ts";
import { jsonPatch } from "./json-patch.ts";

describe("RFC 6902, appendix A", () => {
  test.each([
    ["A.1", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { foo: "bar", baz: "qux" }],
    [
      "A.2",
      { foo: ["bar", "baz"] },
      [{ op: "add", path: "/foo/1", value: "qux" }],
      { foo: ["bar", "qux", "baz"] },
    ],
    ["A.3", { baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    ["A.4", { foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    [
      "A.5",
      { baz: "qux", foo: "bar" },
      [{ op: "replace", path: "/baz", value: "boo" }],
      { baz: "boo", foo: "bar" },
    ],
    [
      "A.6",
      { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
      [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
      { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
    ],
    [
      "A.7",
      { foo: ["all", "grass", "cows", "eat"] },
      [{ op: "move", from: "/foo/1", path: "/foo/3" }],
      { foo: ["all", "cows", "eat", "grass"] },
    ],
    [
      "A.8",
      { baz: "qux", foo: ["a", 2] },
      [
        { op: "test", path: "/baz", value: "qux" },
        { op: "test", path: "/foo/1", value: 2 },
      ],
      { baz: "qux", foo: ["a", 2] },
    ],
    [
      "A.10",
      { foo: "bar" },
      [{ op: "add", path: "/child", value: { grandchild: {} } }],
      { foo: "bar", child: { grandchild: {} } },
    ],
    [
      "A.11",
      { foo: "bar" },
      [{ op: "add", path: "/baz", value: "qux", xyz: 123 }],
      { foo: "bar", baz: "qux" },
    ],
    ["A.14", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    ["A.16", { foo: ["bar"] }, [{ op: "add", path: "/foo/-", value: ["abc"] }], { foo: ["bar", ["abc"]] }],
    ["the whole", { a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
    [
      "a copy",
      { a: { x: 1 } },
      [
        { op: "copy", from: "/a", path: "/b" },
        { op: "add", path: "/b/y", value: 2 },
      ],
      { a: { x: 1 }, b: { x: 1, y: 2 } },
    ],
  ])("%s", (_name, target, patch, expected) => {
    const before: unknown = structuredClone(target);
    expect(jsonPatch(target, patch)).toEqual(expected);
    expect(JSON.stringify(target)).toBe(JSON.stringify(before));
  });

  test.each([
    ["A.9: a test that fails", [{ op: "test", path: "/foo", value: "x" }]],
    ["A.12: a parent that is not there", [{ op: "add", path: "/baz/bat", value: "qux" }]],
    ["A.15: a text is no number", [{ op: "test", path: "/list/0", value: "1" }]],
    ["an index beyond the end", [{ op: "add", path: "/list/3", value: 0 }]],
    ["an index with a zero before it", [{ op: "remove", path: "/list/00" }]],
    ["an index that is none", [{ op: "remove", path: "/list/first" }]],
    ["what every object inherits", [{ op: "copy", from: "/constructor", path: "/x" }]],
    ["into itself", [{ op: "move", from: "/nested", path: "/nested/below" }]],
  ])("%s", (_name, patch) => {
    const target = { foo: "bar", list: [1], nested: { below: {} } };
    expect(() => jsonPatch(target, patch)).toThrow(WeftError);
  });
});

describe("what is no patch", () => {
  test.each([
    ["no list", {}],
    ["no operation", [1]],
    ["an unknown operation", [{ op: "merge", path: "/a", value: 1 }]],
    ["a path that is no pointer", [{ op: "add", path: "a", value: 1 }]],
    ["a broken escape", [{ op: "add", path: "/~2", value: 1 }]],
    ["no value", [{ op: "add", path: "/a" }]],
  ])("%s", (_name, patch) => {
    expect(() => jsonPatch({}, patch)).toThrow(WeftError);
  });

  test("copies that double what is there end at a bound", () => {
    const doubling = Array.from({ length: 40 }, () => ({ op: "copy", from: "/a", path: "/a/-" }));
    expect(() => jsonPatch({ a: ["x".repeat(1000)] }, doubling)).toThrow("copies more than the bound");
  });

  test("a member named __proto__ is a member like others", () => {
    const result = jsonPatch({}, [{ op: "add", path: "/__proto__", value: { polluted: true } }]);
    expect(Object.keys(Object(result))).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  });
});
