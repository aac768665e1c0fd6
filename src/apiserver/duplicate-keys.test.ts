/** Keys that stand twice in a JSON text are found with their path and line, whatever stands around them. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { duplicateKeys } from "./duplicate-keys.ts";

test.each([
  ['{"a":1,"a":2}', ["a"]],
  ['{"a":{"b":[{"c":1,\n"c":2}]}}', ["a.b[0].c"]],
  ['{"a":1,"\\u0061":2}', ["a"]],
  ['{"a\\"":1,"a\\"":2}', ['[a"]']],
  ['{"x":"{\\"a\\":1,\\"a\\":2}","y":"\\\\"}', []],
  ['[{"a":1},{"a":2}]', []],
  ['{"a":{"a":{"a":1}},"b":[1,2,{"a":3}]}', []],
])("%s", (text, paths) => {
  expect(duplicateKeys(text).map(({ path }) => path)).toEqual(paths);
});

test("the line is the second one's", () => {
  expect(duplicateKeys('{\n"a": 1,\n"b": 2,\n"a": 3}')[0]?.line).toBe(4);
});

test("what was written from a value has no key twice", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => expect(duplicateKeys(JSON.stringify(value, null, 1))).toEqual([])),
  );
});
