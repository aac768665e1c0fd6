/** What roles allow over the API: every verb, every kind of path, and transactions object by object. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { configMap, configMaps, service, services } from "./testing.ts";
import {
  PeoplesApi,
  bindingOf,
  clusterRole,
  group,
  on,
  people,
  rbac,
  transactions,
  user,
} from "./testing-people.ts";

let mesh: PeoplesApi;
beforeEach(async () => {
  mesh = await PeoplesApi.start();
});
afterEach(() => mesh.close());

describe("requests", () => {
  test("need a role for their verb, and the refusal says who, what, where and which rule", async () => {
    const { status, body } = await mesh.as("ann")("GET", configMaps);
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
    await mesh.apply(
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
    expect((await mesh.as("bob")(method, path, body)).status).toBe(403);
    expect((await mesh.as("ann")(method, path, body)).status).toBeLessThan(300);
  });

  test("a RoleBinding counts in its namespace alone, a group's for its members", async () => {
    await mesh.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } },
      clusterRole("reader", [on(["list", "get"], ["configmaps", "namespaces"])]),
      bindingOf("dev", "reader", { kind: "Group", apiGroup: group, name: "dev" }, "default"),
    );
    expect((await mesh.as("ann")("GET", configMaps)).status).toBe(200);
    expect((await mesh.as("ann")("GET", "/api/v1/namespaces/other/configmaps")).status).toBe(403);
    expect((await mesh.as("ann")("GET", "/api/v1/configmaps")).status).toBe(403);
    expect((await mesh.as("ann")("GET", "/api/v1/namespaces/default")).status).toBe(200);
    expect((await mesh.as("ann")("GET", "/api/v1/namespaces/other")).status).toBe(403);
    expect((await mesh.as("bob")("GET", configMaps)).status).toBe(403);
  });

  test("status, tokens, mesh paths, metrics and discovery have rights of their own", async () => {
    const paths: [string, string, unknown, object][] = [
      ["GET", "/metrics", undefined, { verbs: ["get"], nonResourceURLs: ["/metrics"] }],
      ["GET", "/apis/weft.dev/v1alpha1/topology", undefined, on(["get"], ["mesh/topology"], ["weft.dev"])],
      [
        "GET",
        "/apis/weft.dev/v1alpha1/signals?service=a/b",
        undefined,
        on(["get"], ["mesh/signals"], ["weft.dev"]),
      ],
      ["GET", "/apis/weft.dev/v1alpha1/services", undefined, on(["get"], ["mesh/services"], ["weft.dev"])],
      [
        "GET",
        "/apis/weft.dev/v1alpha1/serviceviews/a/b",
        undefined,
        on(["get"], ["mesh/serviceviews"], ["weft.dev"]),
      ],
      ["GET", "/apis/weft.dev/v1alpha1/findings", undefined, on(["get"], ["mesh/findings"], ["weft.dev"])],
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
    await mesh.apply(
      service("web"),
      clusterRole("most", [on(["*"], ["services", "serviceaccounts", "mesh"], ["", "weft.dev"])]),
      bindingOf("most", "most", user("ann")),
    );
    for (const [method, path, body, rule] of paths) {
      const before = (await fetch(`${mesh.api.server.url}${path}`, init(method, body))).status;
      expect([path, before]).toEqual([path, 403]);
      await mesh.apply(clusterRole("own", [rule]));
      if (path === "/metrics") await mesh.apply(bindingOf("own", "own", user("ann")));
      expect([path, (await fetch(`${mesh.api.server.url}${path}`, init(method, body))).status]).not.toEqual([
        path,
        403,
      ]);
    }
  });

  test("a watch ends when the right to it is taken away", async () => {
    await mesh.apply(
      configMap("first"),
      clusterRole("watcher", [on(["watch"], ["configmaps"])]),
      bindingOf("ann", "watcher", user("ann")),
    );
    const response = await fetch(`${mesh.api.server.url}${configMaps}?watch=1`, init("GET", undefined));
    expect(response.status).toBe(200);
    await mesh.admin("DELETE", `${rbac}/clusterrolebindings/ann`);
    await mesh.admin("POST", configMaps, configMap("second"));
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
    await mesh.apply(
      configMap("a"),
      clusterRole("edit", [on(["create", "update"], ["configmaps"])]),
      bindingOf("ann", "edit", user("ann"), "default"),
    );
    const objects = [configMap("a", { k: "v" }), service("web"), configMap("b")];
    const deletions = [
      { kind: "ConfigMap", namespace: "default", name: "a" },
      { kind: "Secret", namespace: "default", name: "nowhere" },
    ];
    const refused = await mesh.as("ann")("POST", transactions, { objects: objects.slice(1), deletions });
    expect(refused.status).toBe(403);
    expect(refused.body.details.causes.map(({ field }: { field: string }) => field)).toEqual([
      "objects[0]",
      "deletions[ConfigMap a]",
      "deletions[Secret nowhere]",
    ]);
    expect(refused.body.details.causes[0].message).toContain("may not create services in namespace default");
    expect((await mesh.admin("GET", `${configMaps}/b`)).status).toBe(404);
    const dry = await mesh.as("ann")("POST", transactions, { objects: [service("web")], dryRun: true });
    expect(dry.status).toBe(403);
    expect(
      (await mesh.as("ann")("POST", transactions, { objects: [configMap("a", { k: "v" }), configMap("b")] }))
        .status,
    ).toBe(200);
  });

  test("names its author by who they are; only the instance's token may say another", async () => {
    await mesh.apply(clusterRole("edit", [on(["*"], ["configmaps"])]), bindingOf("ann", "edit", user("ann")));
    await mesh.as("ann")("POST", transactions, { objects: [configMap("a")], author: "somebody else" });
    await mesh.admin("POST", transactions, { objects: [configMap("b")], author: "carol@host" });
    expect((await mesh.api.store.history(2)).map(({ author }) => author)).toEqual(["carol@host", "ann"]);
  });
});
