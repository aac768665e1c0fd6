/** Roles: tables of what a rule allows, and of what rules cover. */
import { describe, expect, test } from "bun:test";
import type { PolicyRule } from "../../api/index.ts";
import type { AccessRequest, ResourceAccess } from "./access-request.ts";
import { RoleIndex } from "./role-index.ts";
import { compileRule, covers, ruleAllows } from "./rules.ts";

const group = "rbac.authorization.k8s.io";
const apiVersion = `${group}/v1` as const;
const access = (verb: string, resource: string, more: Partial<ResourceAccess> = {}): ResourceAccess => ({
  type: "resource",
  verb,
  group: "",
  resource,
  subresource: "",
  namespace: "shop",
  name: "",
  ...more,
});
const path = (verb: string, name: string): AccessRequest => ({ type: "path", verb, path: name });
const rule = (verbs: string[], resources: string[], more: Partial<PolicyRule> = {}): PolicyRule => ({
  verbs,
  apiGroups: [""],
  resources,
  ...more,
});

describe("a rule", () => {
  const table: [string, PolicyRule, AccessRequest, boolean][] = [
    ["names verb and resource", rule(["get"], ["services"]), access("get", "services"), true],
    ["has another verb", rule(["get"], ["services"]), access("list", "services"), false],
    ["has every verb", rule(["*"], ["services"]), access("bind", "services"), true],
    ["has another resource", rule(["get"], ["secrets"]), access("get", "services"), false],
    ["has every resource", rule(["get"], ["*"]), access("get", "services", { subresource: "status" }), true],
    [
      "has another group",
      rule(["get"], ["services"], { apiGroups: ["apps"] }),
      access("get", "services"),
      false,
    ],
    [
      "has every group",
      rule(["get"], ["x"], { apiGroups: ["*"] }),
      access("get", "x", { group: "y.z" }),
      true,
    ],
    [
      "does not name the subresource",
      rule(["get"], ["services"]),
      access("get", "services", { subresource: "status" }),
      false,
    ],
    ["names the subresource alone", rule(["get"], ["services/status"]), access("get", "services"), false],
    [
      "names the subresource",
      rule(["get"], ["services/status"]),
      access("get", "services", { subresource: "status" }),
      true,
    ],
    [
      "names it of every resource",
      rule(["get"], ["*/status"]),
      access("get", "services", { subresource: "status" }),
      true,
    ],
    [
      "names another of every resource",
      rule(["get"], ["*/scale"]),
      access("get", "services", { subresource: "status" }),
      false,
    ],
    [
      "names the object",
      rule(["get"], ["services"], { resourceNames: ["a"] }),
      access("get", "services", { name: "a" }),
      true,
    ],
    [
      "names another object",
      rule(["get"], ["services"], { resourceNames: ["a"] }),
      access("get", "services", { name: "b" }),
      false,
    ],
    [
      "names an object, all are asked for",
      rule(["list"], ["services"], { resourceNames: ["a"] }),
      access("list", "services"),
      false,
    ],
    [
      "names an object, one is created",
      rule(["create"], ["services"], { resourceNames: ["a"] }),
      access("create", "services"),
      false,
    ],
    ["is about resources, a path is asked for", rule(["get"], ["*"]), path("get", "/metrics"), false],
    ["names the path", { verbs: ["get"], nonResourceURLs: ["/metrics"] }, path("get", "/metrics"), true],
    [
      "names a path's beginning",
      { verbs: ["get"], nonResourceURLs: ["/apis/*"] },
      path("get", "/apis/x/y"),
      true,
    ],
    [
      "does not reach the beginning itself",
      { verbs: ["get"], nonResourceURLs: ["/apis/*"] },
      path("get", "/apis"),
      false,
    ],
    [
      "names every path, a resource is asked for",
      { verbs: ["*"], nonResourceURLs: ["*"] },
      access("get", "services"),
      false,
    ],
  ];
  test.each(table)("that %s", (_, given, request, expected) => {
    expect(ruleAllows(compileRule(given), request)).toBe(expected);
  });
});

describe("rules that one has", () => {
  const table: [string, PolicyRule[], PolicyRule, boolean][] = [
    ["the same", [rule(["get"], ["a"])], rule(["get"], ["a"]), true],
    ["less than wanted", [rule(["get"], ["a"])], rule(["get", "list"], ["a"]), false],
    [
      "two that cover it together",
      [rule(["get"], ["a", "b"]), rule(["list"], ["b", "a"])],
      rule(["get", "list"], ["a", "b"]),
      true,
    ],
    [
      "two that leave a gap",
      [rule(["get"], ["a"]), rule(["list"], ["b"])],
      rule(["get", "list"], ["a", "b"]),
      false,
    ],
    [
      "everything",
      [rule(["*"], ["*"], { apiGroups: ["*"] })],
      rule(["x"], ["y/z"], { apiGroups: ["g"] }),
      true,
    ],
    ["all listed, * wanted", [rule(["get", "list"], ["a"])], rule(["*"], ["a"]), false],
    ["one name, all wanted", [rule(["get"], ["a"], { resourceNames: ["n"] })], rule(["get"], ["a"]), false],
    ["all names, one wanted", [rule(["get"], ["a"])], rule(["get"], ["a"], { resourceNames: ["n"] }), true],
    ["every status, one wanted", [rule(["get"], ["*/status"])], rule(["get"], ["a/status"]), true],
    [
      "a path's beginning",
      [{ verbs: ["get"], nonResourceURLs: ["/a/*"] }],
      { verbs: ["get"], nonResourceURLs: ["/a/b/*"] },
      true,
    ],
    [
      "a path, its beginning wanted",
      [{ verbs: ["get"], nonResourceURLs: ["/a/b"] }],
      { verbs: ["get"], nonResourceURLs: ["/a/*"] },
      false,
    ],
  ];
  test.each(table)("%s", (_, owned, wanted, expected) => {
    expect(covers(owned.map(compileRule), wanted)).toBe(expected);
  });

  test("are compared within a bound", () => {
    const many = Array.from({ length: 256 }, (_, i) => `r${i}`);
    const wanted = rule(["get", "list"], many, { apiGroups: many });
    expect(
      covers(
        [rule(["get"], many, { apiGroups: many }), rule(["list"], many, { apiGroups: many })].map(
          compileRule,
        ),
        wanted,
      ),
    ).toBe(false);
    expect(covers([compileRule(wanted)], wanted)).toBe(true);
  });
});

test("an aggregated role has the rules of those that it chooses, and not its own", () => {
  const role = (name: string, rules: PolicyRule[], more: object = {}) =>
    ({ apiVersion, kind: "ClusterRole", metadata: { name }, rules, ...more }) as const;
  const index = new RoleIndex({
    roles: [],
    roleBindings: [],
    clusterRoles: [
      role("sum", [rule(["delete"], ["a"])], {
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: "yes" } }] },
      }),
      { ...role("part", [rule(["get"], ["a"])]), metadata: { name: "part", labels: { part: "yes" } } },
      role("other", [rule(["list"], ["a"])]),
    ],
    clusterRoleBindings: [
      {
        apiVersion,
        kind: "ClusterRoleBinding",
        metadata: { name: "b" },
        subjects: [{ kind: "User", name: "ann" }],
        roleRef: { apiGroup: group, kind: "ClusterRole", name: "sum" },
      },
    ],
  });
  const ann = { user: "ann", groups: [] };
  expect(index.decide(ann, access("get", "a"))).toBe('ClusterRoleBinding "b" gives ClusterRole "sum"');
  expect(index.decide(ann, access("list", "a"))).toBeUndefined();
  expect(index.decide(ann, access("delete", "a"))).toBeUndefined();
});
