/** Conditions: what of CEL is taken and how it is lowered, and what is refused with its place. */
import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Expression,
  ExpressionOperator,
  ExpressionSchema,
  type ExpressionValue,
} from "../../model/index.ts";
import { readCondition } from "./condition.ts";

/** As an S-expression, by way of the wire. */
function lowered(text: string): string {
  const read = readCondition(text);
  if ("problem" in read) return `! ${read.problem}`;
  const message = create(ExpressionSchema, read.expression);
  return shown(fromBinary(ExpressionSchema, toBinary(ExpressionSchema, message)));
}

function shown({ kind }: Expression): string {
  switch (kind.case) {
    case "value":
      return shownValue(kind.value);
    case "attribute":
      return [kind.value.name, ...kind.value.keys.map((key) => `[${key}]`)].join("");
    case "call": {
      const name = ExpressionOperator[kind.value.operator];
      return `(${[name, ...kind.value.arguments.map(shown)].join(" ")})`;
    }
    default:
      return "?";
  }
}

function shownValue({ kind }: ExpressionValue): string {
  if (kind.case === "list") return `{${kind.value.items.map(shownValue).join(" ")}}`;
  return kind.case === "null"
    ? "null"
    : JSON.stringify(kind.value, (_, value) => (typeof value === "bigint" ? Number(value) : value));
}

describe("what is taken", () => {
  test.each([
    ['request.headers["X-User"] == "a"', '(EQUAL request.headers[x-user] "a")'],
    ["jwt.claims.admin != null", "(NOT_EQUAL jwt.claims[admin] null)"],
    ['!(source.namespace == "a")', '(NOT (EQUAL source.namespace "a"))'],
    ['source.namespace in ["a", "b"]', '(IN source.namespace {"a" "b"})'],
    ['"X-User" in request.headers', '(IN "x-user" request.headers)'],
    ['"admin" in jwt.claims["realm"].roles', '(IN "admin" jwt.claims[realm][roles])'],
    ["has(jwt.claims.sub)", "(HAS jwt.claims[sub])"],
    ['has(request.headers["x-a"])', "(HAS request.headers[x-a])"],
    ["has(source.identity)", "(HAS source.identity)"],
    ["jwt.claims.admin", "jwt.claims[admin]"],
    [
      "request.hour >= 8 && request.hour < 18",
      "(AND (GREATER_OR_EQUAL request.hour 8) (LESS request.hour 18))",
    ],
    ["request.hour > -1", "(GREATER request.hour -1)"],
    ["jwt.claims.level > 1.5", "(GREATER jwt.claims[level] 1.5)"],
    ["request.path.startsWith('/a')", '(STARTS_WITH request.path "/a")'],
    ["request.path.endsWith('/a')", '(ENDS_WITH request.path "/a")'],
    ["request.path.contains('a')", '(CONTAINS request.path "a")'],
    ["request.path.matches('^/[a-z]+$')", '(MATCHES request.path "^/[a-z]+$")'],
    ["size(jwt.audiences) == 1", "(EQUAL (SIZE jwt.audiences) 1)"],
    ["jwt.audiences.size() == 1", "(EQUAL (SIZE jwt.audiences) 1)"],
    ["request.host.lowerAscii() == 'a'", '(EQUAL (LOWER request.host) "a")'],
    ["inCidr(source.address, '10.0.0.0/8')", '(IN_CIDR source.address "10.0.0.0/8")'],
    ["connection.tls ? request.hour == 1 : true", "(CONDITIONAL connection.tls (EQUAL request.hour 1) true)"],
    ["true", "true"],
    [
      "connection.tls && connection.mtls && true && false",
      "(AND (AND connection.tls connection.mtls) (AND true false))",
    ],
  ])("%s: %s", (text, expected) => {
    expect(lowered(text)).toBe(expected);
  });

  test("a long chain is no deep tree", () => {
    const text = Array.from({ length: 64 }, () => "connection.tls").join(" || ");
    const depth = Math.max(...[...lowered(text).matchAll(/\(+/g)].map(([open]) => open.length));
    expect(lowered(text).match(/connection\.tls/g)).toHaveLength(64);
    expect(depth).toBeLessThan(8);
  });

  test("it says whether only a request of HTTP has what is read", () => {
    expect(readCondition("connection.tls")).toMatchObject({ needsHttp: false });
    expect(readCondition("connection.tls && request.hour == 1")).toMatchObject({ needsHttp: true });
    expect(readCondition("has(jwt.claims.a)")).toMatchObject({ needsHttp: true });
  });
});

describe("what is refused", () => {
  test.each([
    ["a.b == 1", "at character 2: a.b is no attribute"],
    ["source == 'a'", "at character 1: source is no attribute"],
    ["request.hour ==", "line 1, column 14: found = but expecting"],
    ["request.hour\n  == == 1", "line 2, column"],
    ["request.path", "is a text, not true or false"],
    ["request.hour + 1 == 2", "+ is not supported"],
    ["request.hour == '8'", "a number is never a text"],
    ["request.headers.host != null", "a text is never null"],
    ["request.hour < '8'", "a number is never a text"],
    ["request.hour.startsWith('8')", "startsWith takes a text, not a number"],
    ["request.hour && true", "&& takes true or false, not a number"],
    ["!request.hour", "! takes a boolean, not a number"],
    ["request.path.matches('(?=a)')", "is no pattern of RE2"],
    ["request.path.matches(request.host)", "matches takes a pattern that is written out"],
    ["inCidr(source.address, '10.0.0.1/8')", "inCidr takes a prefix without host bits"],
    ["inCidr(source.address, request.host)", "inCidr takes a prefix without host bits"],
    ["request.path.startsWith('a', 'b')", "startsWith takes 2, not 3"],
    ["[1, 2].exists(x, x == 1)", "all, exists, exists_one, map and filter are not supported"],
    ["{'a': 1} == 1", "maps and messages cannot be written here"],
    ["[[1]] == [1]", "lists hold constants only"],
    ["request.hour == 1u", "unsigned numbers are not supported"],
    ["request.path == b'a'", "a constant of this kind is not supported"],
    ["request.headers == 'a'", "request.headers is a map; read one entry"],
    ["request.headers[request.host] == 'a'", "a key is a text in quotes"],
    ["source.identity.a == 'a'", "source.identity has no entries"],
    ["jwt.claims == 1", "jwt.claims is read with one to 8 keys"],
    ["'a' in request.path", "in takes a list or a map, not a text"],
    ["1 in request.headers", "keys are texts, not a number"],
    ["has(1)", "has takes an attribute"],
    ["timestamp(request.time) == 1", "timestamp is not supported"],
    ["__proto__ == 1", "is no attribute"],
    ["toString(1)", "toString is not supported"],
  ])("%s: %s", (text, expected) => {
    const read = readCondition(text);
    expect("problem" in read && read.problem).toContain(expected);
  });

  test("nesting beyond what a person writes, without a look at it", () => {
    const deep = `${"(".repeat(1000)}true${")".repeat(1000)}`;
    expect(readCondition(deep)).toEqual({ problem: "is nested deeper than 64 levels" });
    expect(readCondition(`${"!".repeat(2000)}true`)).not.toHaveProperty("problem");
  });
});
