/** Conditions are found wherever a kind keeps them. */
import { expect, test } from "bun:test";
import { findConditions, isProblem } from "./conditions.ts";

const accepted = { type: "Accepted", status: "True", reason: "Accepted", message: "" };

test("on the object, per listener, per parent and per target", () => {
  const found = findConditions({
    status: {
      conditions: [accepted],
      listeners: [{ name: "http", conditions: [accepted] }],
      parents: [
        {
          parentRef: { kind: "Service", name: "reviews", sectionName: "web" },
          conditions: [{ ...accepted, status: "False" }],
        },
      ],
      ancestors: [{ ancestorRef: { kind: "Service", name: "web" }, conditions: [accepted] }],
    },
  });
  expect(found.map(({ of, status }) => `${of}=${status}`)).toEqual([
    "=True",
    "http=True",
    "Service/reviews/web=False",
    "Service/web=True",
  ]);
});

test("nothing where there is no status or it is not what it should be", () => {
  expect(findConditions({ spec: { conditions: [accepted] } })).toEqual([]);
  expect(findConditions({ status: { conditions: ["x", null] } })).toEqual([]);
  expect(findConditions(undefined)).toEqual([]);
});

test.each([
  ["Accepted", "True", false],
  ["Accepted", "False", true],
  ["Accepted", "Unknown", false],
  ["Conflicted", "False", false],
  ["Conflicted", "True", true],
] as const)("%s %s is a problem: %p", (type, status, expected) => {
  expect(isProblem({ of: "", type, status, reason: "", message: "" })).toBe(expected);
});
