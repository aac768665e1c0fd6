/** Single objects over HTTP: the verbs, what a refusal says, selection by label, status apart from the rest. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { configMap, configMaps, service, services, TestApi, token } from "./testing.ts";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

describe("objects", () => {
  test("are created, read, replaced, patched and deleted", async () => {
    const created = await api.call("POST", configMaps, configMap("settings", { a: "1" }));
    expect(created.status).toBe(201);
    expect(created.body.metadata.namespace).toBe("default");
    expect((await api.call("POST", configMaps, configMap("settings"))).body.reason).toBe("AlreadyExists");

    const patched = await api.call(
      "PATCH",
      `${configMaps}/settings`,
      { data: { b: "2", a: null } },
      { "content-type": "application/merge-patch+json" },
    );
    expect(patched.body.data).toEqual({ b: "2" });

    const stale = await api.call(
      "PUT",
      `${configMaps}/settings`,
      configMap("settings", {}, { resourceVersion: created.body.metadata.resourceVersion }),
    );
    expect([stale.status, stale.body.reason]).toEqual([409, "Conflict"]);

    const replaced = await api.call("PUT", `${configMaps}/settings`, configMap("settings", { c: "3" }));
    expect((await api.call("GET", `${configMaps}/settings`)).body).toEqual(replaced.body);

    expect((await api.call("DELETE", `${configMaps}/settings`)).body.status).toBe("Success");
    const gone = await api.call("GET", `${configMaps}/settings`);
    expect([gone.status, gone.body.kind, gone.body.reason]).toEqual([404, "Status", "NotFound"]);
  });

  test("a broken one is refused with every issue, and nothing is written", async () => {
    const before = api.store.sequence;
    const { status, body } = await api.call("POST", services, {
      ...service("Bad_Name"),
      spec: { ports: [{ port: 99_999 }], color: "red" },
    });
    expect([status, body.reason]).toEqual([422, "Invalid"]);
    const fields: string[] = body.details.causes.map((cause: { field: string }) => cause.field);
    expect(fields).toContain("spec.color");
    expect(fields.join(" ")).toContain("spec.ports[0].port");
    expect(api.store.sequence).toBe(before);
  });

  test.each([
    ["a wrong media type", "text/plain", "{}", "text/plain"],
    ["broken JSON", "application/json", "{", "no valid JSON"],
    ["invalid UTF-8", "application/json", new Uint8Array([0x22, 0x0a, 0xff, 0x22]), "UTF-8 (line 2)"],
  ])("%s is refused", async (_name, type, body, words) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": type };
    const response = await fetch(`${api.server.url}${configMaps}`, { method: "POST", headers, body });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(words);
  });

  test.each([
    [
      "one value of 10 MB",
      () => configMap("large", { text: "x".repeat(10 << 20) }),
      422,
      "data.text: must not be longer than 1400000",
    ],
    ["a body of 13 MB", () => configMap("huge", { text: "x".repeat(13 << 20) }), 413, "larger than"],
    ["keys without end", () => configMap("wide", keys(300_000)), 422, "more than 250000 values"],
  ])("%s is refused with the bound, and nothing is written", async (_name, object, status, words) => {
    const before = api.store.sequence;
    const answer = await api.call("POST", configMaps, object());
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(words)]);
    expect(api.store.sequence).toBe(before);
    expect((await api.call("POST", configMaps, configMap("small"))).status).toBe(201);
  });

  test("lists choose by label and name", async () => {
    for (const [name, app] of [
      ["one", "a"],
      ["two", "b"],
    ] as const) {
      await api.call("POST", configMaps, configMap(name, {}, { labels: { app } }));
    }
    const names = async (query: string): Promise<string[]> =>
      (await api.call("GET", `${configMaps}${query}`)).body.items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
    expect(await names("?labelSelector=app%3Db")).toEqual(["two"]);
    expect(await names("?fieldSelector=metadata.name%3Done")).toEqual(["one"]);
    expect((await api.call("GET", `${configMaps}?labelSelector=%3D%3D`)).status).toBe(400);
    expect((await api.call("GET", "/api/v1/configmaps")).body.kind).toBe("ConfigMapList");
  });

  test("a status is written apart from the rest and makes no revision", async () => {
    await api.call("POST", services, service("web"));
    const revision = api.store.revision;
    const status = { conditions: [] };
    const { status: code, body } = await api.call("PUT", "/api/v1/namespaces/default/services/web/status", {
      status,
    });
    expect([code, body.status]).toEqual([200, status]);
    expect(api.store.revision).toBe(revision);
  });

  test("a status write is refused where it is stale or names something else", async () => {
    const created = await api.call("POST", services, service("web"));
    const path = "/api/v1/namespaces/default/services/web";
    await api.call("PUT", path, {
      ...service("web"),
      spec: { selector: { app: "web" }, ports: [{ port: 81 }] },
    });
    const { resourceVersion } = created.body.metadata;
    expect(
      (await api.call("PUT", `${path}/status`, { metadata: { resourceVersion }, status: {} })).status,
    ).toBe(409);
    expect(
      (await api.call("PUT", `${path}/status`, { metadata: { name: "other" }, status: {} })).status,
    ).toBe(400);
  });

  test("a method or body that is not possible gets a Status that says so", async () => {
    const method = await api.call("PUT", configMaps, {});
    expect([method.status, method.body.code]).toEqual([405, 405]);
    const large = await api.call("POST", configMaps, configMap("large", { a: "x".repeat(13 * 1024 * 1024) }));
    expect([large.status, large.body.kind]).toEqual([413, "Status"]);
  });
});

const keys = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-number-${index}`, ""]));
