/** What roles allow over the API: every verb, transactions object by object, nothing given away, nobody locked out, questions answered. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, configMap, configMaps, service, services, TestApi } from "./testing.ts";

const group = "rbac.authorization.k8s.io";
const rbac = `/apis/${group}/v1`;
const transactions = "/apis/weft.dev/v1alpha1/transactions";
const people = { ann: "ann-token-0123456789", bob: "bob-token-0123456789", root: "root-token-0123456789" };

let directory: string;
let api: TestApi;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-roles-"));
  const tokenFile = join(directory, "tokens.csv");
  const lines = [`${people.ann},ann,1,"dev,qa"`, `${people.bob},bob,2`, `${people.root},root,3,admins`];
  writeFileSync(tokenFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  api = await TestApi.start({ tokenFile });
});
afterEach(async () => {
  await api.close();
  rmSync(directory, { recursive: true, force: true });
});

const as =
  (who: keyof typeof people, headers: Record<string, string> = {}) =>
  (method: string, path: string, body?: unknown): Promise<Answer> =>
    api.call(method, path, body, { authorization: `Bearer ${people[who]}`, ...headers });
const admin = (method: string, path: string, body?: unknown): Promise<Answer> => api.call(method, path, body);

const clusterRole = (name: string, rules: unknown[]) => ({
  apiVersion: `${group}/v1`,
  kind: "ClusterRole",
  metadata: { name },
  rules,
});
const role = (name: string, rules: unknown[]) => ({
  ...clusterRole(name, rules),
  kind: "Role",
  metadata: { name, namespace: "default" },
});
const bindingOf = (name: string, roleName: string, subject: object, namespace?: string) => ({
  apiVersion: `${group}/v1`,
  kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
  metadata: namespace === undefined ? { name } : { name, namespace },
  subjects: [subject],
  roleRef: { apiGroup: group, kind: "ClusterRole", name: roleName },
});
const user = (name: string) => ({ kind: "User", apiGroup: group, name });
const on = (verbs: string[], resources: string[], apiGroups = [""]) => ({ verbs, apiGroups, resources });

async function apply(...objects: unknown[]): Promise<void> {
  const { status, body } = await admin("POST", transactions, { objects });
  expect([status, body.message]).toEqual([200, undefined]);
}

describe("requests", () => {
  test("need a role for their verb, and the refusal says who, what, where and which rule", async () => {
    const { status, body } = await as("ann")("GET", configMaps);
    expect([status, body.reason]).toEqual([403, "Forbidden"]);
    expect(body.message).toBe(
      'ann may not list configmaps in namespace default; no role allows it; it needs {verbs: [list], apiGroups: [""], resources: [configmaps]} by a binding in namespace default',
    );
  });

  const verbs: [string, string, string, unknown][] = [
    ["get", "GET", `${configMaps}/a`, undefined],
    ["list", "GET", configMaps, undefined],
    ["create", "POST", configMaps, configMap("b")],
    ["update", "PUT", `${configMaps}/a`, configMap("a", { k: "v" })],
    ["patch", "PATCH", `${configMaps}/a`, { data: { k: "w" } }],
    ["delete", "DELETE", `${configMaps}/a`, undefined],
  ];
  test.each(verbs)("%s is allowed by its own verb and by no other", async (verb, method, path, body) => {
    const all = ["get", "list", "watch", "create", "update", "patch", "delete"];
    await apply(
      configMap("a"),
      clusterRole("one", [on([verb], ["configmaps"])]),
      clusterRole("others", [
        on(
          all.filter((each) => each !== verb),
          ["configmaps"],
        ),
      ]),
      bindingOf("ann", "one", user("ann"), "default"),
      bindingOf("bob", "others", user("bob"), "default"),
    );
    expect((await as("bob")(method, path, body)).status).toBe(403);
    expect((await as("ann")(method, path, body)).status).toBeLessThan(300);
  });

  test("a RoleBinding counts in its namespace alone, a group's for its members", async () => {
    await apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } },
      clusterRole("reader", [on(["list", "get"], ["configmaps", "namespaces"])]),
      bindingOf("dev", "reader", { kind: "Group", apiGroup: group, name: "dev" }, "default"),
    );
    expect((await as("ann")("GET", configMaps)).status).toBe(200);
    expect((await as("ann")("GET", "/api/v1/namespaces/other/configmaps")).status).toBe(403);
    expect((await as("ann")("GET", "/api/v1/configmaps")).status).toBe(403);
    expect((await as("ann")("GET", "/api/v1/namespaces/default")).status).toBe(200);
    expect((await as("ann")("GET", "/api/v1/namespaces/other")).status).toBe(403);
    expect((await as("bob")("GET", configMaps)).status).toBe(403);
  });

  test("status, tokens, mesh paths, metrics and discovery have rights of their own", async () => {
    const paths: [string, string, unknown, object][] = [
      ["GET", "/metrics", undefined, { verbs: ["get"], nonResourceURLs: ["/metrics"] }],
      ["GET", "/apis/weft.dev/v1alpha1/topology", undefined, on(["get"], ["mesh/topology"], ["weft.dev"])],
      ["GET", "/apis/weft.dev/v1alpha1/history", undefined, on(["get"], ["mesh/history"], ["weft.dev"])],
      ["GET", "/apis/weft.dev/v1alpha1/audit", undefined, on(["get"], ["mesh/audit"], ["weft.dev"])],
      [
        "POST",
        "/api/v1/namespaces/default/serviceaccounts/default/token",
        {},
        on(["create"], ["serviceaccounts/token"]),
      ],
      ["PATCH", `${services}/web/status`, { status: {} }, on(["patch"], ["services/status"])],
    ];
    await apply(
      service("web"),
      clusterRole("most", [on(["*"], ["services", "serviceaccounts", "mesh"], ["", "weft.dev"])]),
      bindingOf("most", "most", user("ann")),
    );
    for (const [method, path, body, rule] of paths) {
      const before = (await fetch(`${api.server.url}${path}`, init(method, body))).status;
      expect([path, before]).toEqual([path, 403]);
      await apply(clusterRole("own", [rule]));
      if (path === "/metrics") await apply(bindingOf("own", "own", user("ann")));
      expect([path, (await fetch(`${api.server.url}${path}`, init(method, body))).status]).not.toEqual([
        path,
        403,
      ]);
    }
  });

  test("a watch ends when the right to it is taken away", async () => {
    await apply(
      configMap("first"),
      clusterRole("watcher", [on(["watch"], ["configmaps"])]),
      bindingOf("ann", "watcher", user("ann")),
    );
    const response = await fetch(`${api.server.url}${configMaps}?watch=1`, init("GET", undefined));
    expect(response.status).toBe(200);
    await admin("DELETE", `${rbac}/clusterrolebindings/ann`);
    await admin("POST", configMaps, configMap("second"));
    const text = await response.text();
    expect([text.includes('"first"'), text.includes('"second"')]).toEqual([true, false]);
  });
});

function init(method: string, body: unknown): RequestInit {
  const headers = { authorization: `Bearer ${people.ann}`, "content-type": "application/json" };
  return { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
}

describe("a transaction", () => {
  test("is checked object by object, and taken as a whole or not at all", async () => {
    await apply(
      configMap("a"),
      clusterRole("edit", [on(["create", "update"], ["configmaps"])]),
      bindingOf("ann", "edit", user("ann"), "default"),
    );
    const objects = [configMap("a", { k: "v" }), service("web"), configMap("b")];
    const deletions = [
      { kind: "ConfigMap", namespace: "default", name: "a" },
      { kind: "Secret", namespace: "default", name: "nowhere" },
    ];
    const refused = await as("ann")("POST", transactions, { objects: objects.slice(1), deletions });
    expect(refused.status).toBe(403);
    expect(refused.body.details.causes.map(({ field }: { field: string }) => field)).toEqual([
      "objects[0]",
      "deletions[ConfigMap a]",
      "deletions[Secret nowhere]",
    ]);
    expect(refused.body.details.causes[0].message).toContain("may not create services in namespace default");
    expect((await admin("GET", `${configMaps}/b`)).status).toBe(404);
    const dry = await as("ann")("POST", transactions, { objects: [service("web")], dryRun: true });
    expect(dry.status).toBe(403);
    expect(
      (await as("ann")("POST", transactions, { objects: [configMap("a", { k: "v" }), configMap("b")] }))
        .status,
    ).toBe(200);
  });

  test("names its author by who they are; only the instance's token may say another", async () => {
    await apply(clusterRole("edit", [on(["*"], ["configmaps"])]), bindingOf("ann", "edit", user("ann")));
    await as("ann")("POST", transactions, { objects: [configMap("a")], author: "somebody else" });
    await admin("POST", transactions, { objects: [configMap("b")], author: "carol@host" });
    expect(api.store.history(2).map(({ author }) => author)).toEqual(["carol@host", "ann"]);
  });
});

describe("nobody gives what they do not have", () => {
  beforeEach(() =>
    apply(
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
    const { status, body } = await as("ann")("POST", transactions, { objects: [object] });
    expect([status, body.message ?? ""]).toEqual([
      isAllowed ? 200 : 403,
      isAllowed ? "" : expect.stringContaining("ann"),
    ]);
  });

  test("not by a role and its binding in one transaction either", async () => {
    const objects = [bindingOf("b", "new", user("ann")), clusterRole("new", [on(["delete"], ["*"])])];
    expect((await as("ann")("POST", transactions, { objects })).status).toBe(403);
  });

  test("unless they may escalate or bind", async () => {
    await apply(
      clusterRole("more", [
        on(["escalate"], ["clusterroles"], [group]),
        { ...on(["bind"], ["clusterroles"], [group]), resourceNames: ["all"] },
      ]),
      bindingOf("more", "more", user("ann")),
    );
    expect(
      (await as("ann")("POST", `${rbac}/clusterroles`, clusterRole("r", [on(["list"], ["secrets"])]))).status,
    ).toBe(201);
    expect(
      (await as("ann")("POST", `${rbac}/clusterrolebindings`, bindingOf("r", "r", user("bob")))).status,
    ).toBe(403);
    expect(
      (await as("ann")("POST", `${rbac}/clusterrolebindings`, bindingOf("b", "all", user("bob")))).status,
    ).toBe(201);
  });
});

describe("a change that would lock somebody out asks first", () => {
  const everything = clusterRole("everything", [on(["*"], ["*"], ["*"])]);
  beforeEach(() => apply(everything, bindingOf("root", "everything", user("root"))));

  test("the last administrator's binding or role", async () => {
    const path = `${rbac}/clusterrolebindings/root`;
    const { status, body } = await admin("DELETE", path);
    expect([status, body.message]).toEqual([409, expect.stringContaining("--accept-lockout")]);
    expect(
      (await admin("PUT", `${rbac}/clusterroles/everything`, clusterRole("everything", []))).status,
    ).toBe(409);
    const deletions = [{ kind: "ClusterRoleBinding", name: "root" }];
    expect((await admin("POST", transactions, { deletions, dryRun: true })).status).toBe(409);
    await apply(bindingOf("second", "everything", user("bob")));
    expect((await admin("DELETE", path)).status).toBe(200);
    expect((await admin("DELETE", `${rbac}/clusterrolebindings/second?acceptLockout=true`)).status).toBe(200);
  });

  test("one's own right to change roles", async () => {
    await apply(bindingOf("second", "everything", user("bob")));
    const deletions = [{ kind: "ClusterRoleBinding", name: "root" }];
    const refused = await as("root")("POST", transactions, { deletions });
    expect([refused.status, refused.body.message]).toEqual([
      409,
      expect.stringContaining("root could no longer change"),
    ]);
    expect((await as("bob")("POST", transactions, { deletions, dryRun: true })).status).toBe(200);
    expect((await as("root")("POST", transactions, { deletions, acceptLockout: true })).status).toBe(200);
    expect((await as("root")("GET", configMaps)).status).toBe(403);
  });
});

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
    apply(
      clusterRole("reader", [on(["get"], ["configmaps"])]),
      bindingOf("ann", "reader", user("ann"), "default"),
    ),
  );

  test("about oneself are anybody's", async () => {
    const yes = await as("ann")("POST", `${reviews}/selfsubjectaccessreviews`, ask("get", "configmaps"));
    expect([yes.status, yes.body.status]).toEqual([
      201,
      { allowed: true, reason: 'RoleBinding "default/ann" gives ClusterRole "reader"' },
    ]);
    const no = await as("ann")("POST", `${reviews}/selfsubjectaccessreviews`, ask("list", "configmaps"));
    expect([no.body.status.allowed, no.body.status.reason]).toEqual([
      false,
      expect.stringContaining("verbs: [list]"),
    ]);
    const rules = await as("ann")("POST", `${reviews}/selfsubjectrulesreviews`, {
      spec: { namespace: "default" },
    });
    expect(rules.body.status).toEqual({
      resourceRules: [on(["get"], ["configmaps"])],
      nonResourceRules: [],
      incomplete: false,
    });
    const me = await as("ann")("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {});
    expect(me.body.status.userInfo).toEqual({
      username: "ann",
      uid: "1",
      groups: ["dev", "qa", "system:authenticated"],
      extra: { method: ["static_token"] },
    });
  });

  test("about others need the right to ask", async () => {
    const question = { spec: { ...ask("get", "configmaps").spec, user: "ann" } };
    expect((await as("bob")("POST", `${reviews}/subjectaccessreviews`, question)).status).toBe(403);
    expect((await admin("POST", `${reviews}/subjectaccessreviews`, question)).body.status.allowed).toBe(true);
    const local = `${reviews}/namespaces/default/localsubjectaccessreviews`;
    expect((await admin("POST", local, question)).body.status.allowed).toBe(true);
    expect(
      (await admin("POST", `${reviews}/namespaces/other/localsubjectaccessreviews`, question)).status,
    ).toBe(422);
    expect((await admin("POST", `${reviews}/subjectaccessreviews`, { spec: { user: "ann" } })).status).toBe(
      422,
    );
  });
});

describe("standing in for somebody", () => {
  test("needs the right to it, for the user and for each group", async () => {
    await apply(
      clusterRole("reader", [on(["list"], ["configmaps"])]),
      bindingOf("dev", "reader", { kind: "Group", apiGroup: group, name: "dev" }),
      clusterRole("stand-in", [
        { ...on(["impersonate"], ["users", "groups"]), resourceNames: ["carol", "dev"] },
      ]),
      bindingOf("bob", "stand-in", user("bob")),
    );
    const list = (headers: Record<string, string>) => as("bob", headers)("GET", configMaps);
    expect((await list({ "impersonate-user": "carol" })).status).toBe(403);
    expect((await list({ "impersonate-user": "carol", "impersonate-group": "dev" })).status).toBe(200);
    expect(
      (await list({ "impersonate-user": "carol", "impersonate-group": "dev, system:masters" })).status,
    ).toBe(403);
    expect((await list({ "impersonate-user": "weft:admin" })).status).toBe(403);
    expect((await list({ "impersonate-group": "dev" })).status).toBe(400);
    const denied = api.audited().findLast(({ impersonator }) => impersonator !== undefined);
    expect(denied).toMatchObject({ user: "carol", impersonator: "bob", outcome: "denied" });
  });
});

describe("the audit log has", () => {
  test("every write with who, how, from where, what and the revision, before the answer", async () => {
    await apply(clusterRole("edit", [on(["*"], ["configmaps"])]), bindingOf("ann", "edit", user("ann")));
    await as("ann")("POST", configMaps, configMap("a"));
    const [intent, done] = api.audited().slice(-2);
    expect(intent).toMatchObject({
      phase: "intent",
      user: "ann",
      groups: ["dev", "qa", "system:authenticated"],
      method: "static_token",
      source: "127.0.0.1",
      verb: "create",
      objects: [{ kind: "ConfigMap", namespace: "default", name: "a", verb: "create" }],
    });
    expect(done).toMatchObject({ phase: "done", outcome: "ok", id: intent.id, revision: api.store.revision });
    expect((await api.audit.verify()).problem).toBeUndefined();
  });

  test("dry runs, refusals and join tokens, and no token in any of them", async () => {
    await admin("POST", transactions, { objects: [configMap("a")], dryRun: true });
    expect(api.audited().at(-1)).toMatchObject({ verb: "transact", dryRun: true, outcome: "ok" });
    await as("ann")("DELETE", `${configMaps}/a`);
    expect(api.audited().at(-1)).toMatchObject({
      verb: "delete configmaps a in namespace default",
      outcome: "denied",
      user: "ann",
    });
    await api.call("GET", configMaps, undefined, { authorization: "Bearer wrong-token-that-nobody-has" });
    expect(api.audited().at(-1)).toMatchObject({ user: "", method: "none", outcome: "denied" });
    await admin("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {});
    expect(api.audited().at(-1)).toMatchObject({ verb: "create join token", outcome: "ok" });
    expect(JSON.stringify(api.audited())).not.toMatch(/token-0123456789|wrong-token|the-token|join-default/);
  });

  test("no gap on a full disk: writes are refused, reads go on", async () => {
    api.audit.close();
    const refused = await admin("POST", configMaps, configMap("a"));
    expect(refused.status).toBe(503);
    expect((await admin("GET", `${configMaps}/a`)).status).toBe(404);
    expect((await admin("GET", configMaps)).status).toBe(200);
  });
});
