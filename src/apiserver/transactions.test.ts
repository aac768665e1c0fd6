/** Many objects at once: one revision or none, and what a refusal says about each. */
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import type { Write } from "../store/index.ts";
import { service, TestApi, token } from "./testing.ts";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

describe("transactions", () => {
  const path = "/apis/weft.dev/v1alpha1/transactions";

  test("are one revision, and nothing where nothing changes", async () => {
    const request = {
      message: "first",
      author: "ann",
      objects: [service("web", "shop"), { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }],
    };
    const first = await api.call("POST", path, request);
    expect(first.body.results.map((result: { outcome: string }) => result.outcome)).toEqual([
      "created",
      "created",
    ]);
    expect((await api.call("POST", path, request)).body).toMatchObject({
      revision: first.body.revision,
      results: [{ outcome: "unchanged" }, { outcome: "unchanged" }],
    });
    const { body } = await api.call("GET", "/apis/weft.dev/v1alpha1/history?limit=1");
    expect(body.items[0]).toMatchObject({ revision: first.body.revision, author: "ann", message: "first" });
  });

  test("are not made once their caller is gone: it may have done them elsewhere, or undone them", async () => {
    const [entered, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    // As at a control plane that stands still with the request before it.
    spyOn(api.store, "catchUp").mockImplementationOnce(async () => {
      entered.resolve();
      await released.promise;
    });
    const before = api.store.revision;
    const body = JSON.stringify({ message: "late", objects: [service("web", "default")] });
    const caller = connect(Number(new URL(api.server.url).port), "127.0.0.1");
    caller.write(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await entered.promise;
    caller.destroy();
    await once(caller, "close");
    // An answer to a later question: the end of that connection has come before it.
    await api.call("GET", "/apis/weft.dev/v1alpha1/history?limit=1");
    released.resolve();
    const next = await api.call("POST", path, { message: "next", objects: [service("api", "default")] });
    expect(next.body.revision).toBe(before + 1);
    expect(api.store.get({ kind: "Service", namespace: "default", name: "web" })).toBeUndefined();
  });

  test("are looked at on what others have written up to then: nothing is said to be so that is not", async () => {
    const { store } = api;
    const catchUp = spyOn(store, "catchUp");
    /** Another control plane's, which this one has not heard of until it asks. */
    const elsewhere = (write: Write): void => {
      catchUp.mockImplementationOnce(async () => {
        await store.commit([write], { author: "ben", message: "elsewhere" });
      });
    };
    const note = (text: string) =>
      ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "note", namespace: "default" },
        data: { text },
      }) as const;
    const put = (text: string): Write => ({ type: "put", object: note(text) });
    const key = { kind: "ConfigMap", namespace: "default", name: "note" } as const;
    await api.call("POST", path, { objects: [note("mine")] });
    elsewhere(put("theirs"));
    const again = await api.call("POST", path, { objects: [note("mine")] });
    expect(again.body.results).toMatchObject([{ outcome: "configured" }]);
    expect(store.get(key)?.data).toEqual({ text: "mine" });

    await api.call("POST", path, { deletions: [key] });
    elsewhere(put("theirs"));
    expect((await api.call("POST", path, { deletions: [key] })).status).toBe(200);
    expect(store.get(key)).toBeUndefined();

    elsewhere(put("theirs"));
    expect((await api.call("DELETE", "/api/v1/namespaces/default/configmaps/note")).status).toBe(200);
    expect(store.get(key)).toBeUndefined();
    // What is not to be done is looked at on what is known here.
    const before = catchUp.mock.calls.length;
    await api.call("POST", path, { objects: [note("mine")], dryRun: true });
    expect(catchUp.mock.calls.length).toBe(before);
  });

  test("are refused whole, with the place of each issue", async () => {
    const { status, body } = await api.call("POST", path, {
      objects: [service("fine"), service("lost", "nowhere"), { ...service("broken"), spec: { ports: [] } }],
    });
    expect(status).toBe(422);
    expect(body.details.causes[0].field).toBe("objects[2].spec.ports");
    expect(
      (await api.call("POST", path, { objects: [service("fine"), service("lost", "nowhere")] })).body.details
        .causes,
    ).toEqual([
      {
        reason: "FieldValueInvalid",
        field: "objects[1].metadata.namespace",
        message: "namespace nowhere does not exist; apply a Namespace of that name with it",
      },
    ]);
    expect(api.store.get({ kind: "Service", namespace: "default", name: "fine" })).toBeUndefined();
  });

  test("a dry run tells and writes nothing", async () => {
    const before = api.store.sequence;
    const { body } = await api.call("POST", path, { dryRun: true, objects: [service("web")] });
    expect(body.results).toEqual([
      { kind: "Service", namespace: "default", name: "web", outcome: "created" },
    ]);
    expect(api.store.sequence).toBe(before);
  });

  test("a deleted namespace takes along what lives in it; the mesh's own stay", async () => {
    await api.call("POST", path, {
      objects: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }, service("web", "shop")],
    });
    const { body } = await api.call("POST", path, { deletions: [{ kind: "Namespace", name: "shop" }] });
    expect(body.results.map((result: { kind: string }) => result.kind)).toEqual(["Namespace", "Service"]);
    expect(api.store.list({ kind: "Service" }).items).toEqual([]);
    expect(
      (await api.call("POST", path, { deletions: [{ kind: "Namespace", name: "default" }] })).status,
    ).toBe(403);
    expect(
      (await api.call("POST", path, { deletions: [{ kind: "Service", namespace: "default", name: "no" }] }))
        .status,
    ).toBe(404);
  });

  test("services get distinct addresses that stay theirs", async () => {
    const objects = Array.from({ length: 50 }, (_, index) => service(`s${index}`));
    await api.call("POST", path, { objects });
    const addresses = (): (readonly string[])[] =>
      api.store.list({ kind: "Service" }).items.map(({ spec }) => spec.clusterIPs ?? []);
    const before = addresses();
    expect(new Set(before.flat()).size).toBe(before.flat().length);
    await api.call("POST", path, {
      objects: objects.map((each) => ({ ...each, spec: { ...each.spec, ports: [{ port: 81 }] } })),
    });
    expect(addresses()).toEqual(before);
  });

  test("external services share the addresses of services, and keep theirs", async () => {
    const external = (name: string, spec: object) => ({
      apiVersion: "weft.dev/v1alpha1",
      kind: "ExternalService",
      metadata: { name },
      spec: { ports: [{ port: 443, protocol: "TLS" }], ...spec },
    });
    const objects = [
      { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" }, spec: {} },
      service("api"),
      external("api", { hosts: ["api.example.com"] }),
      external("net", { addresses: ["192.0.2.0/24"], hosts: ["a.example.org"], resolution: "None" }),
    ];
    await api.call("POST", path, { objects });
    const addresses = (name: string): readonly string[] | undefined =>
      api.store.get({ kind: "ExternalService", namespace: "default", name })?.spec.virtualIPs;
    const own = addresses("api") ?? [];
    expect(own.map((address) => address.includes(":"))).toEqual([false, true]);
    // Names of what is reached by its real addresses keep those.
    expect(addresses("net")).toBeUndefined();
    const of = api.store.get({ kind: "Service", namespace: "default", name: "api" })?.spec.clusterIPs ?? [];
    expect(of.filter((address) => own.includes(address))).toEqual([]);

    await api.call("POST", path, {
      objects: [external("api", { hosts: ["api.example.com", "b.example.com"], resolution: "None" })],
    });
    expect(addresses("api")).toEqual(own);
    const stolen = service("thief");
    const answer = await api.call("POST", path, {
      objects: [{ ...stolen, spec: { ...stolen.spec, clusterIP: own[0] } }],
    });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain("belongs to the service ExternalService default/api");
  });

  test("writes at the same time come one after another", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => api.call("POST", path, { objects: [service(`p${index}`)] })),
    );
    expect(new Set(answers.map(({ body }) => body.revision)).size).toBe(20);
  });
});
