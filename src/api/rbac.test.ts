/** Roles and bindings: what a rule must name, and what a binding may not change. */
import { expect, test } from "bun:test";
import { changeIssues } from "./kinds.ts";
import { issuesOf, parsed } from "./testing/parsing.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";
const role = (kind: "Role" | "ClusterRole", rules: unknown[]) => ({
  apiVersion,
  kind,
  metadata: { name: "a" },
  rules,
});
const binding = (subjects: unknown[], name = "view") => ({
  apiVersion,
  kind: "RoleBinding",
  metadata: { name: "a" },
  subjects,
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
});

test("a name may be what a path allows", () => {
  expect(
    parsed({ ...role("ClusterRole", []), metadata: { name: "system:auth-delegator" } }).metadata.name,
  ).toBe("system:auth-delegator");
  for (const name of ["a/b", "a%2fb", "..", "a b", ""]) {
    expect(issuesOf({ ...role("ClusterRole", []), metadata: { name } })).not.toEqual([]);
  }
});

test.each([
  ["nothing but verbs", "Role", { verbs: ["get"] }, ["rules[0].apiGroups", "rules[0].resources"]],
  ["no verb", "Role", { verbs: [], apiGroups: [""], resources: ["*"] }, ["rules[0].verbs"]],
  [
    "paths in a Role",
    "Role",
    { verbs: ["get"], nonResourceURLs: ["/metrics"] },
    ["rules[0].nonResourceURLs"],
  ],
  [
    "paths and resources",
    "ClusterRole",
    { verbs: ["get"], nonResourceURLs: ["/x"], resources: ["*"] },
    ["rules[0]"],
  ],
  [
    "a path with * inside",
    "ClusterRole",
    { verbs: ["get"], nonResourceURLs: ["/a*b"] },
    ["rules[0].nonResourceURLs[0]"],
  ],
] as const)("refuses a rule with %s", (_, kind, rule, paths) => {
  expect(issuesOf(role(kind, [rule])).map((line) => line.split(":")[0] ?? "")).toEqual([...paths]);
});

test("a service account needs its namespace, a user has none", () => {
  expect(issuesOf(binding([{ kind: "ServiceAccount", name: "a" }]))).toHaveLength(1);
  expect(issuesOf(binding([{ kind: "User", name: "a", namespace: "x" }]))).toHaveLength(1);
  expect(issuesOf(binding([{ kind: "User", name: "a", apiGroup: "apps" }]))).toHaveLength(1);
  expect(issuesOf(binding([{ kind: "ServiceAccount", name: "a", namespace: "x", apiGroup: "" }]))).toEqual(
    [],
  );
});

test("a binding's role stays, its subjects may change", () => {
  const before = parsed(binding([]));
  expect(changeIssues(before, parsed(binding([{ kind: "User", name: "a" }])))).toEqual([]);
  expect(changeIssues(before, parsed(binding([], "edit"))).map(({ path }) => path)).toEqual(["roleRef"]);
});
