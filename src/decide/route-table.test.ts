/** Matching as Gateway API has it, and the fast matcher against the slow one. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type HttpMatchSchema, HttpRoutingSchema } from "../model/index.ts";
import type { HttpRequestView } from "./request-view.ts";
import { RouteTable } from "./route-table.ts";
import { matchNaively } from "./test/naive-matcher.ts";
import { randomRequest, randomRouting, seededRandom } from "./test/random-routing.ts";
import { requestOf as request } from "./test/request.ts";

type Match = MessageInitShape<typeof HttpMatchSchema>;

function routing(matches: readonly Match[]) {
  return create(HttpRoutingSchema, {
    entries: matches.map((match, rule) => ({ match, rule })),
    rules: matches.map((_, rule) => ({ source: { namespace: "n", name: "r", section: String(rule) } })),
  });
}

function matched(matches: readonly Match[], view: HttpRequestView): string | undefined {
  return RouteTable.prepare(routing(matches)).match(view)?.section;
}

const prefix = (value: string) => ({ path: { case: "pathPrefix" as const, value } });
const exact = (value: string): Match => ({ path: { case: "pathExact", value } });
const regex = (value: string): Match => ({ path: { case: "pathRegex", value } });

describe("path", () => {
  const table: [string, Match, string, boolean][] = [
    ["a prefix covers itself", prefix("/abc"), "/abc", true],
    ["a prefix covers a final slash", prefix("/abc"), "/abc/", true],
    ["a prefix covers what is below", prefix("/abc"), "/abc/def", true],
    ["a prefix ends at a segment", prefix("/abc"), "/abcd", false],
    ["a prefix's own final slash is ignored", prefix("/abc/"), "/abc", true],
    ["the empty prefix covers everything", prefix(""), "/x/y", true],
    ["/ covers everything", prefix("/"), "/x/y", true],
    ["/ covers the asterisk form", prefix("/"), "*", true],
    ["paths are case-sensitive", exact("/abc"), "/ABC", false],
    ["an exact path has no final slash", exact("/abc"), "/abc/", false],
    ["the query is no part of the path", exact("/abc"), "/abc?x=/def", true],
    ["an escaped unreserved character is the character", exact("/admin"), "/%61dmin", true],
    ["the rule's escapes too", exact("/%61dmin"), "/admin", true],
    ["hexadecimal digits have no case", exact("/a%2Fb"), "/a%2fb", true],
    ["an escaped slash is no separator", prefix("/a"), "/a%2fb", false],
    ["dot segments are resolved", prefix("/public"), "/public/../admin", false],
    ["escaped dot segments are resolved", prefix("/admin"), "/public/%2e%2E/admin", true],
    ["an empty segment is a segment", prefix("/a/b"), "/a//b", false],
    ["a pattern covers the whole path", regex("/v[0-9]"), "/v1", true],
    ["a pattern is anchored at the end", regex("/v[0-9]"), "/v1/x", false],
    ["a pattern is anchored at the start", regex("v[0-9]"), "/v1", false],
  ];
  test.each(table)("%s", (_, match, target, expected) => {
    expect(matched([match], request(target)) !== undefined).toBe(expected);
  });
});

describe("conditions", () => {
  const header = (name: string, value: string): Match => ({
    headers: [{ name, value: { case: "exact", value } }],
  });
  const query = (name: string, value: string): Match => ({
    query: [{ name, value: { case: "exact", value } }],
  });
  const table: [string, Match, HttpRequestView, boolean][] = [
    ["the method is compared exactly", { method: "GET" }, request("/", { method: "get" }), false],
    ["header names have no case", header("X-Env", "a"), request("/", { headers: { "x-env": "a" } }), true],
    ["header values have case", header("x-env", "a"), request("/", { headers: { "x-env": "A" } }), false],
    ["an absent header does not match", header("x-env", "a"), request("/"), false],
    ["a query value matches", query("a", "1"), request("/?b=2&a=1"), true],
    ["of a repeated parameter the first value counts", query("a", "2"), request("/?a=1&a=2"), false],
    ["query values are decoded", query("a", "x&y"), request("/?a=x%26y"), true],
    ["query names are decoded", query("a&b", "1"), request("/?a%26b=1"), true],
    ["a plus is a plus", query("a", "x y"), request("/?a=x+y"), false],
    ["a parameter's name is compared whole", query("a", "1"), request("/?aa=1&xa=1"), false],
    ["a parameter without = is empty", query("a", ""), request("/?a"), true],
    ["a broken escape is left alone", query("a", "%zz"), request("/?a=%zz"), true],
    [
      "a pattern covers the whole value",
      { headers: [{ name: "v", value: { case: "regex", value: "v[12]" } }] },
      request("/", { headers: { v: "v12" } }),
      false,
    ],
    [
      "all conditions must hold",
      { method: "GET", headers: [{ name: "v", value: { case: "exact", value: "1" } }] },
      request("/", { method: "POST", headers: { v: "1" } }),
      false,
    ],
  ];
  test.each(table)("%s", (_, match, view, expected) => {
    expect(matched([match], view) !== undefined).toBe(expected);
  });
});

test("the first entry in order wins, whatever its kind", () => {
  expect(matched([prefix("/"), exact("/a"), regex(".*")], request("/a"))).toBe("0");
  expect(matched([regex(".*"), exact("/a"), prefix("/a")], request("/a"))).toBe("0");
  expect(matched([{ ...exact("/a"), method: "PUT" }, prefix("/a")], request("/a"))).toBe("1");
});

test("refuses a pattern that is no RE2 expression", () => {
  expect(() => RouteTable.prepare(routing([regex("(?=x)")]))).toThrow(/RE2/);
});

test("a pattern that is exponential elsewhere ends in time", () => {
  expect(matched([regex("/(a+)+$")], request(`/${"a".repeat(5_000)}!`))).toBeUndefined();
});

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(`finds what the naive matcher finds (WEFT_TEST_SEED=${seed})`, () => {
  const random = seededRandom(seed);
  let hits = 0;
  let misses = 0;
  for (let round = 0; round < 60; round++) {
    const rules = randomRouting(random, 1 + Math.floor(random() * 30));
    const table = RouteTable.prepare(rules);
    for (let i = 0; i < 60; i++) {
      const view = randomRequest(random);
      const expected = matchNaively(rules, view);
      const found = table.match(view)?.section;
      const shown = JSON.stringify({ path: view.path, query: view.query, method: view.method });
      expect(`${shown} ${found}`).toBe(`${shown} ${expected}`);
      if (expected === undefined) misses++;
      else hits++;
    }
  }
  // A generator whose requests never match, or always do, would compare nothing.
  expect(hits).toBeGreaterThan(500);
  expect(misses).toBeGreaterThan(50);
});

test("looks at a handful of entries among thousands: the index is what answers", () => {
  let looks = 0;
  const view: HttpRequestView = {
    ...request("/service-1999/items/7"),
    header: () => {
      looks++;
      return undefined;
    },
  };
  const conditional = (path: string): Match => ({
    ...prefix(path),
    headers: [{ name: "x", value: { case: "exact", value: "1" } }],
  });
  const rules = routing([
    ...Array.from({ length: 2_000 }, (_, i) => conditional(`/service-${i}/items`)),
    ...Array.from({ length: 2_000 }, (_, i) => conditional(`/service-${i}`)),
    prefix("/"),
  ]);
  expect(RouteTable.prepare(rules).match(view)?.section).toBe("4000");
  expect(looks).toBe(2);
});
