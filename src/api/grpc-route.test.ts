/** GRPCRoutes: defaults, and what is refused. */
import { expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

function route(...rules: object[]): unknown {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GRPCRoute",
    metadata: { name: "r" },
    spec: { rules },
  };
}

test("methods are compared exactly and backends have a weight of 1", () => {
  const { spec } = parsedAs(
    "GRPCRoute",
    route({ matches: [{ method: { service: "shop.Cart" } }], backendRefs: [{ name: "cart", port: 9090 }] }),
  );
  expect(spec.rules).toEqual([
    {
      matches: [{ method: { type: "Exact", service: "shop.Cart" } }],
      backendRefs: [{ group: "", kind: "Service", weight: 1, name: "cart", port: 9090 }],
    },
  ]);
});

test.each([
  [{ matches: [{ method: {} }] }, "spec.rules[0].matches[0].method: must name a service, a method or both"],
  [
    { matches: [{ method: { service: "shop/Cart" } }] },
    "spec.rules[0].matches[0].method.service: must be the full name of a service such as shop.Cart",
  ],
  [
    { matches: [{ method: { method: "" } }] },
    "spec.rules[0].matches[0].method.method: must be a method's name such as AddItem",
  ],
  [
    { filters: [{ type: "URLRewrite" }] },
    "spec.rules[0].filters[0].type: must be one of ResponseHeaderModifier, RequestHeaderModifier, RequestMirror, ExtensionRef",
  ],
  [
    { filters: [{ type: "RequestMirror" }] },
    "spec.rules[0].filters[0].requestMirror: is required where type is RequestMirror",
  ],
  [{ backendRefs: [{ name: "cart" }] }, "spec.rules[0].backendRefs[0].port: is required for a Service"],
  [
    { sessionPersistence: { type: "Header", cookieConfig: {} } },
    "spec.rules[0].sessionPersistence.cookieConfig: must be absent where type is not Cookie",
  ],
  [
    { sessionPersistence: { cookieConfig: { lifetimeType: "Permanent" } } },
    "spec.rules[0].sessionPersistence.absoluteTimeout: is required where cookieConfig.lifetimeType is Permanent",
  ],
])("%# is refused", (rule, issue) => {
  expect(issuesOf(route(rule))).toEqual([issue]);
});

test("two rules of one name and more than 128 matches are refused", () => {
  expect(issuesOf(route({ name: "a" }, { name: "a" }))).toEqual([
    "spec.rules[1].name: another rule is named a",
  ]);
  const matches = Array.from({ length: 64 }, () => ({ headers: [{ name: "h", value: "v" }] }));
  expect(issuesOf(route({ matches }, { matches }, { matches: matches.slice(0, 1) }))).toEqual([
    "spec.rules: must not have more than 128 matches in all rules together",
  ]);
});

test("a pattern may name anything", () => {
  const method = { type: "RegularExpression", service: "shop\\..*", method: "(Add|Remove)" };
  expect(issuesOf(route({ matches: [{ method }] }))).toEqual([]);
});
