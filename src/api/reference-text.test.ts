/** The reference text of every kind is complete and shows bounds, choices and defaults. */
import { expect, test } from "bun:test";
import { kindNames } from "./kinds.ts";
import { referenceText } from "./reference-text.ts";

test.each(kindNames)("%s: every field has a type and a description", (kind) => {
  const lines = referenceText(kind).split("\n");
  const fields = lines.slice(lines.indexOf("FIELDS:") + 1);
  const undescribed = fields.filter((line, index) => {
    const isField = /^ +\S+ <.+>/.test(line) && !/^ +(apiVersion|kind) <"/.test(line);
    const next = fields[index + 1] ?? "";
    const indent = line.length - line.trimStart().length;
    return isField && next.length - next.trimStart().length !== indent + 4;
  });
  expect(undescribed).toEqual([]);
  expect(fields.length).toBeGreaterThan(5);
});

test("shows bounds, choices and defaults", () => {
  const text = referenceText("HTTPRoute");
  expect(text).toContain("VERSION:  gateway.networking.k8s.io/v1");
  expect(text).toContain("rules <list of object> (1 to 16 items; default [{}])");
  expect(text).toContain('type <Exact | PathPrefix | RegularExpression> (default "PathPrefix")');
  expect(text).toContain("weight <integer> (0 to 1000000; default 1)");
  expect(text).toContain("name <string> required (1 to 253 characters");
});
