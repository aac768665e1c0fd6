/** What filters do with a request: rewrites of rule and backend in one, shares of mirrors. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HttpRoutingSchema, type HttpRuleSchema } from "../model/index.ts";
import { isMirrored, rewriteTarget } from "./request-changes.ts";
import { RouteTable } from "./route-table.ts";
import { type PreparedBackend, selectBackend } from "./rule.ts";
import { seededRandom } from "./test/random-routing.ts";
import { requestOf } from "./test/request.ts";

function chosen(rule: MessageInitShape<typeof HttpRuleSchema>, target = "/a/b"): PreparedBackend {
  const routing = create(HttpRoutingSchema, {
    entries: [{ match: { path: { case: "pathPrefix", value: "/a" } }, rule: 0 }],
    rules: [rule],
  });
  const matched = RouteTable.prepare(routing).match(requestOf(target));
  if (matched === undefined) throw new Error("no match");
  return selectBackend(matched, 0);
}

function target(rule: MessageInitShape<typeof HttpRuleSchema>, from: string): string | undefined {
  const rewrite = chosen(rule, from).changes?.rewrite;
  return rewrite === undefined ? undefined : rewriteTarget(rewrite, requestOf(from));
}

const backend = { cluster: "a", weight: 1 };
const prefix = (value: string) => ({ path: { kind: { case: "prefix" as const, value } } });

test("the prefix that is replaced is the one that the rule's match has", () => {
  expect(target({ rewrite: prefix("/x"), backends: [backend] }, "/a/b?c=/a")).toBe("/x/b?c=/a");
});

test("a backend's rewrite takes the place of the rule's, field by field", () => {
  const rule = { rewrite: { hostname: "one.org", ...prefix("/x") } };
  expect(target({ ...rule, backends: [{ ...backend, rewrite: prefix("/y") }] }, "/a/b")).toBe("/y/b");
  const changes = chosen({ ...rule, backends: [{ ...backend, rewrite: { hostname: "two.org" } }] }).changes;
  expect(changes?.rewrite?.hostname).toBe("two.org");
  expect(target({ ...rule, backends: [{ ...backend, rewrite: { hostname: "two.org" } }] }, "/a")).toBe("/x");
});

test("a rewrite of the host alone leaves the target", () => {
  expect(target({ rewrite: { hostname: "one.org" }, backends: [backend] }, "/a/b")).toBeUndefined();
});

test("a rule without filters changes nothing", () => {
  expect(chosen({ backends: [backend] }).changes).toBeUndefined();
});

test("mirrors of rule and backend get their shares", () => {
  const mirror = (cluster: string, numerator: number, denominator: number) => ({
    backend: { cluster, weight: 1 },
    numerator,
    denominator,
  });
  const mirrors = chosen({
    mirrors: [mirror("all", 1, 1), mirror("none", 0, 100), mirror("", 1, 1)],
    backends: [{ ...backend, mirrors: [mirror("some", 5, 100)] }],
  }).changes?.mirrors;
  expect(mirrors?.map(({ cluster }) => cluster)).toEqual(["all", "some"]);
  const random = seededRandom(1);
  const counts = [0, 0];
  for (let i = 0; i < 20_000; i++) {
    for (const [index, each] of (mirrors ?? []).entries()) {
      if (isMirrored(each, random())) counts[index] = (counts[index] ?? 0) + 1;
    }
  }
  expect(counts[0]).toBe(20_000);
  expect(Math.abs((counts[1] ?? 0) - 1_000)).toBeLessThan(150);
});
