/** Writes to roles: nobody gives what they do not have, and nobody is shut out unasked. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { configMaps } from "../testing.ts";
import {
  PeoplesApi,
  bindingOf,
  clusterRole,
  group,
  on,
  rbac,
  role,
  transactions,
  user,
} from "../testing-people.ts";

let mesh: PeoplesApi;
beforeEach(async () => {
  mesh = await PeoplesApi.start();
});
afterEach(() => mesh.close());

describe("nobody gives what they do not have", () => {
  beforeEach(() =>
    mesh.apply(
      clusterRole("roles", [
        on(
          ["get", "create", "update"],
          ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
          [group],
        ),
      ]),
      clusterRole("small", [on(["get"], ["configmaps"])]),
      clusterRole("all", [on(["*"], ["*"], ["*"])]),
      bindingOf("ann-roles", "roles", user("ann")),
      bindingOf("ann-small", "small", user("ann")),
    ),
  );

  const cases: [string, unknown, boolean][] = [
    ["a role of what one has", role("r", [on(["get"], ["configmaps"])]), true],
    ["a role of more", role("r", [on(["get", "list"], ["configmaps"])]), false],
    ["a role of everything", clusterRole("r", [on(["*"], ["*"], ["*"])]), false],
    ["a role of paths", clusterRole("r", [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }]), false],
    [
      "an aggregated role",
      { ...clusterRole("r", []), aggregationRule: { clusterRoleSelectors: [{}] } },
      false,
    ],
    ["a binding to what one has", bindingOf("b", "small", user("bob")), true],
    ["a binding to more", bindingOf("b", "all", user("ann")), false],
    ["a binding to more in one namespace", bindingOf("b", "all", user("ann"), "default"), false],
    ["a binding to no role yet", bindingOf("b", "later", user("ann")), false],
    [
      "another label on a role of more",
      { ...clusterRole("all", [on(["*"], ["*"], ["*"])]), metadata: { name: "all", labels: { a: "b" } } },
      false,
    ],
  ];
  test.each(cases)("%s", async (_, object, isAllowed) => {
    const { status, body } = await mesh.as("ann")("POST", transactions, { objects: [object] });
    expect([status, body.message ?? ""]).toEqual([
      isAllowed ? 200 : 403,
      isAllowed ? "" : expect.stringContaining("ann"),
    ]);
  });

  test("not by a role and its binding in one transaction either", async () => {
    const objects = [bindingOf("b", "new", user("ann")), clusterRole("new", [on(["delete"], ["*"])])];
    expect((await mesh.as("ann")("POST", transactions, { objects })).status).toBe(403);
  });

  test("unless they may escalate or bind", async () => {
    await mesh.apply(
      clusterRole("more", [
        on(["escalate"], ["clusterroles"], [group]),
        { ...on(["bind"], ["clusterroles"], [group]), resourceNames: ["all"] },
      ]),
      bindingOf("more", "more", user("ann")),
    );
    expect(
      (await mesh.as("ann")("POST", `${rbac}/clusterroles`, clusterRole("r", [on(["list"], ["secrets"])])))
        .status,
    ).toBe(201);
    expect(
      (await mesh.as("ann")("POST", `${rbac}/clusterrolebindings`, bindingOf("r", "r", user("bob")))).status,
    ).toBe(403);
    expect(
      (await mesh.as("ann")("POST", `${rbac}/clusterrolebindings`, bindingOf("b", "all", user("bob"))))
        .status,
    ).toBe(201);
  });
});

describe("a change that would lock somebody out asks first", () => {
  const everything = clusterRole("everything", [on(["*"], ["*"], ["*"])]);
  beforeEach(() => mesh.apply(everything, bindingOf("root", "everything", user("root"))));

  test("the last administrator's binding or role", async () => {
    const path = `${rbac}/clusterrolebindings/root`;
    const { status, body } = await mesh.admin("DELETE", path);
    expect([status, body.message]).toEqual([409, expect.stringContaining("--accept-lockout")]);
    expect(
      (await mesh.admin("PUT", `${rbac}/clusterroles/everything`, clusterRole("everything", []))).status,
    ).toBe(409);
    const deletions = [{ kind: "ClusterRoleBinding", name: "root" }];
    expect((await mesh.admin("POST", transactions, { deletions, dryRun: true })).status).toBe(409);
    await mesh.apply(bindingOf("second", "everything", user("bob")));
    expect((await mesh.admin("DELETE", path)).status).toBe(200);
    expect((await mesh.admin("DELETE", `${rbac}/clusterrolebindings/second?acceptLockout=true`)).status).toBe(
      200,
    );
  });

  test("one's own right to change roles", async () => {
    await mesh.apply(bindingOf("second", "everything", user("bob")));
    const deletions = [{ kind: "ClusterRoleBinding", name: "root" }];
    const refused = await mesh.as("root")("POST", transactions, { deletions });
    expect([refused.status, refused.body.message]).toEqual([
      409,
      expect.stringContaining("root could no longer change"),
    ]);
    expect((await mesh.as("bob")("POST", transactions, { deletions, dryRun: true })).status).toBe(200);
    expect((await mesh.as("root")("POST", transactions, { deletions, acceptLockout: true })).status).toBe(
      200,
    );
    expect((await mesh.as("root")("GET", configMaps)).status).toBe(403);
  });
});
