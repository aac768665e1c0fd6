/** Conditions that tell of a problem become lines; the others do not. */
import { expect, test } from "bun:test";
import { statusProblems } from "./status-problems.ts";

const condition = (type: string, status: "True" | "False", message = "") => ({
  type,
  status,
  reason: "Why",
  message,
});
const common = { namespace: "default", name: "x", observedGeneration: 1 };

test("a route says at which parent, and one reason is one line", () => {
  const lines = statusProblems({
    ...common,
    kind: "HTTPRoute",
    status: {
      kind: "route",
      parents: [
        {
          parentRef: { kind: "Gateway", name: "door", sectionName: "http" },
          conditions: [
            condition("Accepted", "False", "no"),
            condition("ResolvedRefs", "False", "no"),
            condition("PartiallyInvalid", "True", "half"),
          ],
        },
      ],
    },
  });
  expect(lines).toEqual([
    "HTTPRoute default/x at Gateway/door/http: Accepted=False ResolvedRefs=False Why: no",
    "HTTPRoute default/x at Gateway/door/http: PartiallyInvalid=True Why: half",
  ]);
});

test("a route that attaches to nothing is a problem", () => {
  const lines = statusProblems({ ...common, kind: "HTTPRoute", status: { kind: "route", parents: [] } });
  expect(lines).toEqual(["HTTPRoute default/x: attaches to no Gateway of weft's"]);
});

test("what is well says nothing", () => {
  const conditions = [condition("Accepted", "True"), condition("Conflicted", "False")];
  const lines = statusProblems({
    ...common,
    kind: "Gateway",
    status: {
      kind: "gateway",
      conditions,
      listeners: [{ name: "http", attachedRoutes: 0, supportedKinds: [], conditions }],
    },
  });
  expect(lines).toEqual([]);
});
