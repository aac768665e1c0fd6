/** Shares of backends, and header edits made ready. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HeaderEditsSchema, HttpRuleSchema } from "../model/index.ts";
import { PreparedEdits } from "./header-edits.ts";
import { prepareRule, selectBackend } from "./rule.ts";
import { seededRandom } from "./test/random-routing.ts";

function rule(backends: MessageInitShape<typeof HttpRuleSchema>["backends"]) {
  return prepareRule(create(HttpRuleSchema, backends === undefined ? {} : { backends }));
}

test("backends get requests in proportion to their weights", () => {
  const prepared = rule([
    { cluster: "a", weight: 90 },
    { cluster: "b", weight: 10 },
    { cluster: "never", weight: 0 },
  ]);
  const random = seededRandom(1);
  const counts = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const { cluster } = selectBackend(prepared, random());
    counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  }
  expect(counts.get("a")).toBeGreaterThan(17_800);
  expect(counts.get("b")).toBeGreaterThan(1_800);
  expect(counts.has("never")).toBe(false);
});

test("rules that send all to one cluster as it came share what is prepared for that; with an edit or without a target they do not", () => {
  const plain = rule([{ cluster: "a", weight: 1 }]);
  expect(rule([{ cluster: "a", weight: 7 }]).backends).toBe(plain.backends);
  expect(plain.backends).toMatchObject([{ cluster: "a", unresolved: undefined, shareEnd: 1 }]);
  expect(rule([{ cluster: "b", weight: 1 }]).backends).toMatchObject([{ cluster: "b" }]);
  const edited = rule([{ cluster: "a", weight: 1, requestHeaders: { remove: ["cookie"] } }]);
  expect(edited.backends).toMatchObject([{ cluster: "a", requestEdits: { remove: ["cookie"] } }]);
  expect(rule([{ weight: 1, unresolved: "no such Service" }]).backends).toMatchObject([
    { cluster: "", unresolved: "no such Service" },
  ]);
  expect(rule([{ cluster: "a", weight: 1 }]).backends).toBe(plain.backends);
});

test("shares begin at 0 and end below 1", () => {
  const prepared = rule([
    { cluster: "a", weight: 1 },
    { cluster: "b", weight: 3 },
  ]);
  expect(selectBackend(prepared, 0).cluster).toBe("a");
  expect(selectBackend(prepared, 0.2499).cluster).toBe("a");
  expect(selectBackend(prepared, 0.25).cluster).toBe("b");
  expect(selectBackend(prepared, 0.9999999).cluster).toBe("b");
});

test("a rule with nothing to choose is unresolved", () => {
  expect(selectBackend(rule(undefined), 0.5).unresolved).toBeDefined();
  expect(selectBackend(rule([{ cluster: "a", weight: 0 }]), 0.5).unresolved).toBeDefined();
});

test("an unresolved backend keeps its share", () => {
  const prepared = rule([
    { cluster: "a", weight: 1 },
    { unresolved: "Service default/gone does not exist", weight: 1 },
  ]);
  expect(selectBackend(prepared, 0.4).unresolved).toBeUndefined();
  expect(selectBackend(prepared, 0.6).unresolved).toBe("Service default/gone does not exist");
});

function edits(init: MessageInitShape<typeof HeaderEditsSchema>): PreparedEdits | undefined {
  return PreparedEdits.prepare(create(HeaderEditsSchema, init));
}

/** What a codec does with edits, on a list of fields. */
function applied(prepared: PreparedEdits | undefined, fields: string[]): string[] {
  if (prepared === undefined) return fields;
  const gone = new Set([...prepared.remove, ...prepared.set.map((header) => header.nameLower)]);
  const lines = [...prepared.set, ...prepared.add].map((header) =>
    new TextDecoder().decode(header.bytes).trimEnd(),
  );
  return [...fields.filter((field) => !gone.has(field.split(":")[0] ?? "")), ...lines];
}

test("header lines are ready to be written", () => {
  const [header] = edits({ set: [{ name: "X-Env", value: "canary" }] })?.set ?? [];
  expect(new TextDecoder().decode(header?.bytes)).toBe("x-env: canary\r\n");
});

test.each([
  ["a line break", "x", "1\r\nx-admin: 1"],
  ["a control byte", "x", "1\u00001"],
  ["space at an end", "x", "1 "],
  ["a name with a colon", "x:", "1"],
  ["an empty name", "", "1"],
])("refuses %s", (_, name, value) => {
  expect(() => edits({ add: [{ name, value }] })).toThrow("header edit");
});

test("nothing to edit is undefined", () => {
  expect(edits({})).toBeUndefined();
});

test("two edits in one do what they do one after the other", () => {
  const fields = ["a: 0", "b: 0", "c: 0", "d: 0"];
  const first = edits({
    set: [
      { name: "a", value: "1" },
      { name: "e", value: "1" },
    ],
    add: [
      { name: "b", value: "1" },
      { name: "f", value: "1" },
    ],
    remove: ["c"],
  });
  const second = edits({
    set: [
      { name: "b", value: "2" },
      { name: "C", value: "2" },
    ],
    add: [{ name: "a", value: "2" }],
    remove: ["E", "f"],
  });
  const both = PreparedEdits.then(first, second);
  expect(applied(both, fields).sort()).toEqual(applied(second, applied(first, fields)).sort());
  expect(applied(both, fields)).toContain("b: 2");
});

test("the route's own timeout counts unless its policy names one", () => {
  const timeout = (init: MessageInitShape<typeof HttpRuleSchema>): number | undefined =>
    prepareRule(create(HttpRuleSchema, init)).requests?.requestTimeoutMs;
  expect(timeout({ requestTimeoutMs: 50 })).toBe(50);
  expect(timeout({ requestTimeoutMs: 50, requests: { tryTimeoutMs: 5 } })).toBe(50);
  expect(timeout({ requestTimeoutMs: 50, requests: { requestTimeoutMs: 0 } })).toBe(0);
  expect(timeout({ requests: { tryTimeoutMs: 5 } })).toBeUndefined();
  expect(
    prepareRule(create(HttpRuleSchema, { requestTimeoutMs: 50, requests: { tryTimeoutMs: 5 } })).requests,
  ).toMatchObject({ tryTimeoutMs: 5 });
});
