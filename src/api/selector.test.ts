/** Label selectors as text and as objects: what they select, what is refused, their bounds. */
import { describe, expect, test } from "bun:test";
import { labelRequirements, matchLabels, matchRequirements, parseLabelSelector } from "./selector.ts";

const objects = [
  { app: "reviews", version: "v1" },
  { app: "reviews", version: "v2" },
  { app: "ratings" },
  {},
  undefined,
];

function chosen(selector: string): number[] | string {
  const parsed = parseLabelSelector(selector);
  if ("issues" in parsed) return parsed.issues[0]?.message ?? "";
  return objects.flatMap((labels, index) => (matchRequirements(parsed.requirements, labels) ? [index] : []));
}

describe("label selectors", () => {
  test.each([
    ["", [0, 1, 2, 3, 4]],
    ["app=reviews", [0, 1]],
    ["app==reviews,version!=v1", [1]],
    ["version", [0, 1]],
    ["!version", [2, 3, 4]],
    ["version in (v1, v3)", [0]],
    ["version notin (v1)", [1, 2, 3, 4]],
    [" app = reviews , version in (v1,v2) ", [0, 1]],
    ["app=", []],
    ["toString", []],
  ])("%s", (selector, indices) => {
    expect(chosen(selector)).toEqual(indices);
  });

  test.each([
    "app=reviews,",
    "=x",
    "app in v1",
    "app in (v1",
    "a b",
    "app=re views",
    ",",
    "version in (a b)",
    "(a)",
  ])("refuses %s", (selector) => {
    expect(chosen(selector)).toStartWith("cannot read");
  });

  test("is bounded", () => {
    expect(chosen("a,".repeat(10_000))).toContain("longer than");
    expect(chosen(Array.from({ length: 65 }, (_, i) => `k${i}`).join(","))).toContain("more than 64");
  });

  test("of objects combines both forms", () => {
    const requirements = labelRequirements({
      matchLabels: { app: "reviews" },
      matchExpressions: [{ key: "version", operator: "NotIn", values: ["v1"] }],
    });
    expect(objects.map((labels) => matchRequirements(requirements, labels))).toEqual([
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  test("a Service without a selector selects nothing", () => {
    expect(matchLabels({}, { app: "x" })).toBe(false);
    expect(matchLabels({ app: "x" }, { app: "x", more: "y" })).toBe(true);
    expect(matchLabels({ app: "x" }, undefined)).toBe(false);
  });
});
