/** Questions about rights, and standing in for somebody. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { configMaps } from "./testing.ts";
import { PeoplesApi, bindingOf, clusterRole, group, on, user } from "./testing-people.ts";

let mesh: PeoplesApi;
beforeEach(async () => {
  mesh = await PeoplesApi.start();
});
afterEach(() => mesh.close());

describe("questions about rights", () => {
  const reviews = "/apis/authorization.k8s.io/v1";
  const ask = (verb: string, resource: string) => ({
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    metadata: { creationTimestamp: null },
    spec: { resourceAttributes: { namespace: "default", verb, resource } },
    status: { allowed: false },
  });
  beforeEach(() =>
    mesh.apply(
      clusterRole("reader", [on(["get"], ["configmaps"])]),
      bindingOf("ann", "reader", user("ann"), "default"),
    ),
  );

  test("about oneself are anybody's", async () => {
    const yes = await mesh.as("ann")("POST", `${reviews}/selfsubjectaccessreviews`, ask("get", "configmaps"));
    expect([yes.status, yes.body.status]).toEqual([
      201,
      { allowed: true, reason: 'RoleBinding "default/ann" gives ClusterRole "reader"' },
    ]);
    const no = await mesh.as("ann")("POST", `${reviews}/selfsubjectaccessreviews`, ask("list", "configmaps"));
    expect([no.body.status.allowed, no.body.status.reason]).toEqual([
      false,
      expect.stringContaining("verbs: [list]"),
    ]);
    const rules = await mesh.as("ann")("POST", `${reviews}/selfsubjectrulesreviews`, {
      spec: { namespace: "default" },
    });
    expect(rules.body.status).toEqual({
      resourceRules: [on(["get"], ["configmaps"])],
      nonResourceRules: [],
      incomplete: false,
    });
    const me = await mesh.as("ann")("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {});
    expect(me.body.status.userInfo).toEqual({
      username: "ann",
      uid: "1",
      groups: ["dev", "qa", "system:authenticated"],
      extra: { method: ["static_token"] },
    });
  });

  test("about others need the right to ask", async () => {
    const question = { spec: { ...ask("get", "configmaps").spec, user: "ann" } };
    expect((await mesh.as("bob")("POST", `${reviews}/subjectaccessreviews`, question)).status).toBe(403);
    expect((await mesh.admin("POST", `${reviews}/subjectaccessreviews`, question)).body.status.allowed).toBe(
      true,
    );
    const local = `${reviews}/namespaces/default/localsubjectaccessreviews`;
    expect((await mesh.admin("POST", local, question)).body.status.allowed).toBe(true);
    expect(
      (await mesh.admin("POST", `${reviews}/namespaces/other/localsubjectaccessreviews`, question)).status,
    ).toBe(422);
    expect(
      (await mesh.admin("POST", `${reviews}/subjectaccessreviews`, { spec: { user: "ann" } })).status,
    ).toBe(422);
  });
});

describe("standing in for somebody", () => {
  test("needs the right to it, for the user and for each group", async () => {
    await mesh.apply(
      clusterRole("reader", [on(["list"], ["configmaps"])]),
      bindingOf("dev", "reader", { kind: "Group", apiGroup: group, name: "dev" }),
      clusterRole("stand-in", [
        { ...on(["impersonate"], ["users", "groups"]), resourceNames: ["carol", "dev"] },
      ]),
      bindingOf("bob", "stand-in", user("bob")),
    );
    const list = (headers: Record<string, string>) => mesh.as("bob", headers)("GET", configMaps);
    expect((await list({ "impersonate-user": "carol" })).status).toBe(403);
    expect((await list({ "impersonate-user": "carol", "impersonate-group": "dev" })).status).toBe(200);
    expect(
      (await list({ "impersonate-user": "carol", "impersonate-group": "dev, system:masters" })).status,
    ).toBe(403);
    expect((await list({ "impersonate-user": "weft:admin" })).status).toBe(403);
    expect((await list({ "impersonate-group": "dev" })).status).toBe(400);
    const denied = mesh.api.audited().findLast(({ impersonator }) => impersonator !== undefined);
    expect(denied).toMatchObject({ user: "carol", impersonator: "bob", outcome: "denied" });
  });
});
