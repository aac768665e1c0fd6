/** The history over the API: found by what was changed and by whom, shown whole, compared, and undone. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { configMap, configMaps, service, TestApi } from "../testing.ts";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

const mesh = "/apis/weft.dev/v1alpha1";
const route = (backend: string, weight = 1) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "split", namespace: "default" },
  spec: {
    parentRefs: [{ group: "", kind: "Service", name: "web", port: 80 }],
    rules: [{ backendRefs: [{ name: backend, port: 80, weight }] }],
  },
});
const secret = (value: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "key", namespace: "default" },
  data: { token: Buffer.from(value).toString("base64") },
});

async function apply(message: string, objects: readonly unknown[], more: object = {}): Promise<number> {
  const { status, body } = await api.call("POST", `${mesh}/transactions`, {
    message,
    author: "ann@here",
    objects,
    ...more,
  });
  expect([status, body.message]).toEqual([200, undefined]);
  return body.revision;
}

async function revisions(query: string): Promise<number[]> {
  const { body } = await api.call("GET", `${mesh}/history?${query}`);
  return body.items.map((entry: { revision: number }) => entry.revision);
}

describe("the list", () => {
  test("says where a change comes from", async () => {
    const revision = await apply("why", [configMap("a")], { sourceCommit: "3f2a9c1" });
    const { body } = await api.call("GET", `${mesh}/history?limit=1`);
    expect(body.items[0]).toMatchObject({
      revision,
      message: "why",
      author: "ann@here",
      sourceCommit: "3f2a9c1",
    });
  });

  test("takes the reason from headers and annotations of single writes, an annotation only when it is set", async () => {
    const noted = { annotations: { "weft.dev/change-message": "by note", "weft.dev/source-commit": "abc" } };
    await api.call("POST", configMaps, configMap("a", {}, noted));
    await api.call("PUT", `${configMaps}/a`, configMap("a", { k: "v" }, noted));
    await api.call("PUT", `${configMaps}/a`, configMap("a", { k: "w" }, noted), {
      "weft-message": "by header",
    });
    const { body } = await api.call("GET", `${mesh}/history?limit=3`);
    expect(
      body.items.map(({ message, sourceCommit }: Record<string, string>) => [message, sourceCommit]),
    ).toEqual([
      ["by header", undefined],
      [`update ${configMaps}/a`, undefined],
      ["by note", "abc"],
    ]);
  });

  test("is narrowed by author, object and service, in pages", async () => {
    const web = await apply("web", [service("web"), service("api")]);
    const other = await apply("other", [configMap("a")], { author: "bob@there" });
    const routed = await apply("route", [route("api")]);
    const direct = await apply("more", [route("api", 2)]);
    expect(await revisions("author=bob")).toEqual([other]);
    expect(await revisions("author=ann@here")).toEqual([direct, routed, web]);
    expect(await revisions("object=HTTPRoute/default/split")).toEqual([direct, routed]);
    expect(await revisions("object=configmap/default/a")).toEqual([other]);
    // The first one wrote the service's Namespace.
    expect(await revisions("service=default/api")).toEqual([direct, routed, web, 1]);
    const { body } = await api.call("GET", `${mesh}/history?service=default/web&limit=1`);
    expect(body.continueBefore).toBe(direct);
    expect(await revisions(`service=default/web&limit=1&before=${body.continueBefore}`)).toEqual([routed]);
  });

  test("counts a policy as a service's that targets a route to it, or selects its workloads", async () => {
    await apply("web", [service("web"), service("api"), route("web")]);
    const onRoute = await apply("on the route", [
      {
        apiVersion: "weft.dev/v1alpha1",
        kind: "TrafficPolicy",
        metadata: { name: "slow", namespace: "default" },
        spec: {
          targetRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "split" }],
          timeouts: { request: "1s" },
        },
      },
    ]);
    const select = (name: string, app: string) => ({
      apiVersion: "weft.dev/v1alpha1",
      kind: "AuthorizationPolicy",
      metadata: { name, namespace: "default" },
      spec: { selector: { matchLabels: { app } }, action: "Allow", rules: [{}] },
    });
    const onWeb = await apply("on web", [select("web", "web")]);
    const onApi = await apply("on api", [select("api", "api")]);
    const found = await revisions("service=default/web");
    expect([found.includes(onRoute), found.includes(onWeb), found.includes(onApi)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("refuses what it does not understand", async () => {
    for (const query of [
      "object=Frog/x",
      "object=Service/x",
      "service=web",
      "before=1&aroundMs=2",
      "limit=x",
    ]) {
      expect((await api.call("GET", `${mesh}/history?${query}`)).status).toBe(400);
    }
  });
});

describe("around a moment", () => {
  test("are the revisions on both sides of it, each with the service's signals before and after", async () => {
    await api.close();
    const asked: { fromMs?: number | undefined; toMs?: number | undefined }[] = [];
    const point = { count: 4, failures: 1, p50Ms: 1, p90Ms: 2, p99Ms: 3, requestBytes: 0, responseBytes: 0 };
    api = await TestApi.start({
      telemetry: {
        signals: ({ fromMs = 0, toMs = 0 }) => {
          asked.push({ fromMs, toMs });
          const groups = [{ key: "all", points: [], totals: point }];
          return { fromMs, toMs, stepMs: 1, from: "window", groups };
        },
      },
    });
    const made = [
      await apply("one", [service("web")]),
      await apply("two", [route("web")]),
      await apply("three", [route("web", 3)]),
    ];
    const { body: all } = await api.call("GET", `${mesh}/history`);
    const timeOf = (revision: number): number =>
      all.items.find((each: { revision: number }) => each.revision === revision).timeMs;
    const [one = 0, two = 0, three = 0] = made;
    const { body } = await api.call(
      "GET",
      `${mesh}/history?aroundMs=${timeOf(two)}&service=default/web&limit=4`,
    );
    expect(body.items.map((each: { revision: number }) => each.revision)).toEqual(
      timeOf(three) === timeOf(two) ? [three, two] : [three, two, one],
    );
    expect(body.items.at(-1).signals.before).toMatchObject({ count: 4, failures: 1, p99Ms: 3 });
    expect(asked.every(({ fromMs = 0, toMs = 0 }) => fromMs < toMs)).toBe(true);
  });
});

describe("one revision, and two compared", () => {
  test("are shown as differences of YAML", async () => {
    const first = await apply("one", [service("web"), route("web")]);
    const second = await apply("two", [route("web", 5), configMap("a")]);
    const { body } = await api.call("GET", `${mesh}/history/${second}`);
    expect(body.entry.message).toBe("two");
    const [routed] = body.differences.filter(({ kind }: { kind: string }) => kind === "HTTPRoute");
    expect(routed.lines.filter((line: string) => /^[-+]/.test(line))).toEqual([
      "-          weight: 1",
      "+          weight: 5",
    ]);
    const { body: back } = await api.call("GET", `${mesh}/diff?from=${second}&to=${first}`);
    expect(back.differences.map(({ kind, outcome }: Record<string, string>) => `${kind} ${outcome}`)).toEqual(
      ["ConfigMap deleted", "HTTPRoute configured"],
    );
    expect((await api.call("GET", `${mesh}/diff?from=${first}`)).body.to).toBe(second);
    expect((await api.call("GET", `${mesh}/history/999`)).status).toBe(404);
    expect((await api.call("GET", `${mesh}/diff?from=1&to=999`)).status).toBe(404);
  });

  test("never show a Secret's values, but that they changed", async () => {
    const first = await apply("one", [secret("hunter2")]);
    const second = await apply("two", [secret("swordfish")]);
    for (const path of [`history/${second}`, `diff?from=${first}`, `diff?from=1`]) {
      const { body } = await api.call("GET", `${mesh}/${path}`);
      const text = JSON.stringify(body);
      for (const value of ["hunter2", "swordfish"]) {
        expect(text).not.toContain(value);
        expect(text).not.toContain(Buffer.from(value).toString("base64"));
      }
      expect(
        body.differences[0].lines.some((line: string) => /^\+ {2}token: \(hidden, [0-9a-f]{8}\)$/.test(line)),
      ).toBe(true);
    }
  });

  test("hide objects that the reader may not get", async () => {
    const rules = [{ apiGroups: ["weft.dev"], resources: ["mesh/history"], verbs: ["get"] }];
    const rbac = { apiVersion: "rbac.authorization.k8s.io/v1" };
    await apply("roles", [
      { ...rbac, kind: "ClusterRole", metadata: { name: "reader" }, rules },
      {
        ...rbac,
        kind: "ClusterRoleBinding",
        metadata: { name: "reader" },
        subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "eve" }],
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
      },
    ]);
    const revision = await apply("data", [configMap("a", { k: "inside" })]);
    const asEve = { "impersonate-user": "eve" };
    const { body } = await api.call("GET", `${mesh}/history/${revision}`, undefined, asEve);
    expect(body.differences).toEqual([
      {
        kind: "ConfigMap",
        namespace: "default",
        name: "a",
        outcome: "created",
        lines: [],
        hidden: "eve may not get configmaps",
      },
    ]);
    const rollback = await api.call("POST", `${mesh}/rollback`, { revision: 1 }, asEve);
    expect(rollback.status).toBe(403);
    expect(JSON.stringify(rollback.body)).not.toContain("inside");
  });
});

describe("a rollback", () => {
  test("is one commit that makes everything as it was, and keeps statuses", async () => {
    const good = await apply("good", [
      service("web"),
      route("web"),
      configMap("kept", { k: "1" }),
      configMap("gone"),
    ]);
    await apply("bad", [route("nowhere"), configMap("kept", { k: "2" }), configMap("new")], {
      deletions: [{ kind: "ConfigMap", namespace: "default", name: "gone" }],
    });
    const before = api.store.get({ kind: "Service", namespace: "default", name: "web" });
    const dry = await api.call("POST", `${mesh}/rollback`, { revision: good, dryRun: true });
    expect(
      dry.body.differences.map(({ name, outcome }: Record<string, string>) => `${name} ${outcome}`),
    ).toEqual(["gone created", "kept configured", "new deleted", "split configured"]);
    expect(api.store.revision).toBe(good + 1);
    const { status, body } = await api.call("POST", `${mesh}/rollback`, {
      revision: good,
      author: "ann@here",
    });
    expect([status, body.revision]).toEqual([200, good + 2]);
    expect(await api.store.changesBetween(good, good + 2)).toEqual([]);
    expect(api.store.get({ kind: "Service", namespace: "default", name: "web" })).toEqual(before);
    const { body: history } = await api.call("GET", `${mesh}/history?limit=1`);
    expect(history.items[0]).toMatchObject({ message: `roll back to revision ${good}`, author: "ann@here" });
    const again = await api.call("POST", `${mesh}/rollback`, { revision: good });
    expect([again.body.revision, again.body.results]).toEqual([good + 2, []]);
  });

  test("can be of some objects alone", async () => {
    const good = await apply("good", [configMap("a", { k: "1" }), configMap("b", { k: "1" })]);
    await apply("bad", [configMap("a", { k: "2" }), configMap("b", { k: "2" })]);
    const only = [{ kind: "configmap", namespace: "default", name: "a" }];
    await api.call("POST", `${mesh}/rollback`, { revision: good, only, message: "a was better" });
    const value = (name: string) =>
      api.store.get({ kind: "ConfigMap", namespace: "default", name })?.data?.["k"];
    expect([value("a"), value("b")]).toEqual(["1", "2"]);
    const none = [{ kind: "ConfigMap", namespace: "default", name: "never" }];
    expect((await api.call("POST", `${mesh}/rollback`, { revision: good, only: none })).status).toBe(404);
  });

  test("is refused whole where the mesh cannot do without what it takes away", async () => {
    await apply("later", [configMap("a")]);
    const { status, body } = await api.call("POST", `${mesh}/rollback`, { revision: 0 });
    expect([status, body.message]).toEqual([403, expect.stringContaining("belongs to the mesh and stays")]);
    expect(api.store.get({ kind: "ConfigMap", namespace: "default", name: "a" })).toBeDefined();
  });

  test("of a revision that there is not is refused", async () => {
    expect((await api.call("POST", `${mesh}/rollback`, { revision: 99 })).status).toBe(404);
    expect((await api.call("POST", `${mesh}/rollback`, {})).status).toBe(422);
    expect((await api.call("GET", `${mesh}/rollback`)).status).toBe(405);
  });
});
