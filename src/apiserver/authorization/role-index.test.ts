/** Roles: a table of what is allowed, and the index against a naive evaluator on random roles, bindings and requests. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ObjectOfKind, PolicyRule, RbacSubject } from "../../api/index.ts";
import type { AccessRequest, ResourceAccess, Subject } from "./access-request.ts";
import { type RbacObjects, RoleIndex } from "./role-index.ts";
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

/** Written from Kubernetes' description, without an index and without compiled rules. */
function naive(objects: RbacObjects, subject: Subject, request: AccessRequest): boolean {
  const isMeant = (subjects: readonly RbacSubject[] | undefined): boolean =>
    (subjects ?? []).some((each) => {
      if (each.kind === "User") return each.name === subject.user;
      if (each.kind === "Group") return subject.groups.includes(each.name);
      return `${each.namespace}/${each.name}` === subject.serviceAccount;
    });
  const has = (names: readonly string[] | undefined, name: string): boolean =>
    (names ?? []).some((each) => each === "*" || each === name);
  const allows = (each: PolicyRule): boolean => {
    if (!has(each.verbs, request.verb)) return false;
    if (request.type === "path") {
      return (each.nonResourceURLs ?? []).some((url) =>
        url.endsWith("*") ? request.path.startsWith(url.slice(0, -1)) : url === request.path,
      );
    }
    const text = request.subresource === "" ? request.resource : `${request.resource}/${request.subresource}`;
    const isResource =
      has(each.resources, text) ||
      (request.subresource !== "" && (each.resources ?? []).includes(`*/${request.subresource}`));
    const names = each.resourceNames ?? [];
    return (
      has(each.apiGroups, request.group) && isResource && (names.length === 0 || names.includes(request.name))
    );
  };
  const cluster = objects.clusterRoleBindings.some(
    ({ subjects, roleRef }) =>
      isMeant(subjects) &&
      objects.clusterRoles.some(
        ({ metadata, rules }) => metadata.name === roleRef.name && rules.some(allows),
      ),
  );
  if (cluster || request.type === "path" || request.namespace === "") return cluster;
  return objects.roleBindings.some(({ metadata, subjects, roleRef }) => {
    if (metadata.namespace !== request.namespace || !isMeant(subjects)) return false;
    if (roleRef.kind === "ClusterRole") {
      return objects.clusterRoles.some(
        (role) => role.metadata.name === roleRef.name && role.rules.some(allows),
      );
    }
    return objects.roles.some(
      (role) =>
        role.metadata.name === roleRef.name &&
        role.metadata.namespace === metadata.namespace &&
        role.rules.some(allows),
    );
  });
}

const some = (...names: string[]) => fc.constantFrom(...names);
const listOf = (...names: string[]) => fc.uniqueArray(some(...names), { minLength: 1, maxLength: 3 });
const verbs = ["get", "list", "create", "*"];
const resources = ["a", "b", "a/status", "*/status", "*"];
const ruleArbitrary: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: listOf(...verbs),
    apiGroups: listOf("", "x", "*"),
    resources: listOf(...resources),
    resourceNames: fc.uniqueArray(some("n", "m"), { maxLength: 2 }),
  }),
  fc.record({ verbs: listOf(...verbs), nonResourceURLs: listOf("/p", "/p/*", "*", "/q") }),
);
const rulesArbitrary = fc.array(ruleArbitrary, { maxLength: 3 });
const subjectArbitrary: fc.Arbitrary<RbacSubject> = fc.oneof(
  fc.record({ kind: some("User").map(() => "User" as const), name: some("ann", "bob") }),
  fc.record({ kind: some("Group").map(() => "Group" as const), name: some("dev", "ops") }),
  fc.record({
    kind: some("x").map(() => "ServiceAccount" as const),
    name: some("web"),
    namespace: some("n1", "n2"),
  }),
);
const subjectsArbitrary = fc.array(subjectArbitrary, { maxLength: 3 });
const namespaceArbitrary = some("n1", "n2");
const objectsArbitrary: fc.Arbitrary<RbacObjects> = fc.record({
  clusterRoles: fc.uniqueArray(
    fc.record({ name: some("r1", "r2", "r3"), rules: rulesArbitrary }).map(
      ({ name, rules }): ObjectOfKind<"ClusterRole"> => ({
        apiVersion,
        kind: "ClusterRole",
        metadata: { name },
        rules,
      }),
    ),
    { selector: ({ metadata }) => metadata.name, maxLength: 3 },
  ),
  roles: fc.uniqueArray(
    fc.record({ name: some("r1", "r2"), namespace: namespaceArbitrary, rules: rulesArbitrary }).map(
      ({ name, namespace, rules }): ObjectOfKind<"Role"> => ({
        apiVersion,
        kind: "Role",
        metadata: { name, namespace },
        rules,
      }),
    ),
    { selector: ({ metadata }) => `${metadata.namespace}/${metadata.name}`, maxLength: 3 },
  ),
  roleBindings: fc.array(
    fc
      .record({
        namespace: namespaceArbitrary,
        subjects: subjectsArbitrary,
        kind: some("Role", "ClusterRole"),
        name: some("r1", "r2", "r3"),
      })
      .map(
        ({ namespace, subjects, kind, name }): ObjectOfKind<"RoleBinding"> => ({
          apiVersion,
          kind: "RoleBinding",
          metadata: { name: "b", namespace },
          subjects,
          roleRef: { apiGroup: group, kind: kind === "Role" ? "Role" : "ClusterRole", name },
        }),
      ),
    { maxLength: 4 },
  ),
  clusterRoleBindings: fc.array(
    fc.record({ subjects: subjectsArbitrary, name: some("r1", "r2", "r3") }).map(
      ({ subjects, name }): ObjectOfKind<"ClusterRoleBinding"> => ({
        apiVersion,
        kind: "ClusterRoleBinding",
        metadata: { name: "b" },
        subjects,
        roleRef: { apiGroup: group, kind: "ClusterRole", name },
      }),
    ),
    { maxLength: 2 },
  ),
});
const requestArbitrary: fc.Arbitrary<AccessRequest> = fc.oneof(
  fc.record({
    type: some("x").map(() => "resource" as const),
    verb: some("get", "list", "create"),
    group: some("", "x"),
    resource: some("a", "b"),
    subresource: some("", "status"),
    namespace: some("", "n1", "n2"),
    name: some("", "n", "m"),
  }),
  fc.record({
    type: some("x").map(() => "path" as const),
    verb: some("get", "list"),
    path: some("/p", "/p/q", "/q"),
  }),
);
const callerArbitrary: fc.Arbitrary<Subject> = fc.record({
  user: some("ann", "bob", "eve"),
  groups: fc.uniqueArray(some("dev", "ops"), { maxLength: 2 }),
  serviceAccount: fc.constantFrom(undefined, "n1/web", "n2/web"),
});

test("the index decides as a naive evaluator does", () => {
  let allowed = 0;
  let asked = 0;
  fc.assert(
    fc.property(
      objectsArbitrary,
      fc.array(fc.tuple(callerArbitrary, requestArbitrary), { minLength: 20, maxLength: 40 }),
      (objects, questions) => {
        const index = new RoleIndex(objects);
        for (const [subject, request] of questions) {
          const expected = naive(objects, subject, request);
          asked++;
          if (expected) allowed++;
          expect(index.decide(subject, request) !== undefined).toBe(expected);
        }
      },
    ),
    { numRuns: 2_000 },
  );
  expect(allowed / asked).toBeGreaterThan(0.05);
  expect(allowed / asked).toBeLessThan(0.95);
});

test("what covers allows no more than what is owned", () => {
  let covered = 0;
  fc.assert(
    fc.property(
      rulesArbitrary,
      ruleArbitrary,
      fc.array(requestArbitrary, { minLength: 30, maxLength: 30 }),
      (owned, wanted, requests) => {
        const compiled = owned.map(compileRule);
        if (!covers(compiled, wanted)) return;
        covered++;
        const given = compileRule(wanted);
        for (const request of requests) {
          if (ruleAllows(given, request))
            expect(compiled.some((each) => ruleAllows(each, request))).toBe(true);
        }
      },
    ),
    { numRuns: 5_000 },
  );
  expect(covered).toBeGreaterThan(100);
});
