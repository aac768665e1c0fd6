/** The index against a naive evaluator on random roles, bindings and requests, and what covers against what allows. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { ObjectOfKind, PolicyRule, RbacSubject } from "../../api/index.ts";
import type { AccessRequest, Subject } from "./access-request.ts";
import { type RbacObjects, RoleIndex } from "./role-index.ts";
import { compileRule, covers, ruleAllows } from "./rules.ts";

const group = "rbac.authorization.k8s.io";
const apiVersion = `${group}/v1` as const;

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
    { maxLength: 6 },
  ),
  // Enough of them that more than a few of the questions are answered with yes.
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
    { maxLength: 5 },
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
