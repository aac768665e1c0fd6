import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock, WeftError } from "../kernel/index.ts";
import { openSqliteStore, type Store } from "../store/index.ts";
import { type ApiServer, startApiServer } from "./index.ts";

const token = "the-token";
let directory: string;
let store: Store;
let server: ApiServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-api-"));
  store = openSqliteStore({ path: join(directory, "store.sqlite"), clock: systemClock, log: silentLog });
  await store.commit(
    ["default", "weft-system"].map((name) => ({
      type: "put",
      object: { apiVersion: "v1", kind: "Namespace", metadata: { name } },
    })),
    { author: "init", message: "init" },
  );
  server = startApiServer({
    store,
    token,
    listen: { kind: "tcp", address: "127.0.0.1", port: 0 },
    version: "0.0.0-test",
    log: silentLog,
    providers: {
      meshStatus: () => {
        throw new WeftError("unavailable", "not here");
      },
      topology: (windowSeconds) => ({ windowSeconds, endTimeMs: 0, nodes: [], edges: [] }),
      createJoinToken: ({ namespace, serviceAccount }) =>
        Promise.resolve(`join-${namespace}-${serviceAccount}`),
    },
  });
});

afterEach(async () => {
  await server.stop();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  // oxlint-disable-next-line no-explicit-any -- what the wire says is what these tests are about
  readonly body: any;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const configMaps = "/api/v1/namespaces/default/configmaps";

function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

function service(name: string, namespace = "default") {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  };
}

/** fetch sets Host by itself. */
function statusWithHost(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path: "/healthz", headers: { host } };
    httpRequest(options, (response) => resolve(response.resume().statusCode ?? 0))
      .on("error", reject)
      .end();
  });
}

describe("doors", () => {
  test("every path but /healthz wants the token", async () => {
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    for (const authorization of ["", "Bearer", "Bearer wrong", `Basic ${token}`, `Bearer ${token}x`]) {
      const { status, body } = await call("GET", configMaps, undefined, { authorization });
      expect([status, body.reason]).toEqual([401, "Unauthorized"]);
    }
    expect((await call("GET", "/nowhere", undefined, { authorization: "" })).status).toBe(401);
  });

  test("a host or origin of somebody else is refused", async () => {
    expect(await statusWithHost("evil.example")).toBe(403);
    expect(await statusWithHost("localhost:1234")).toBe(200);
    expect(await statusWithHost("[::1]:15080")).toBe(200);
    expect((await call("GET", configMaps, undefined, { origin: "https://evil.example" })).status).toBe(403);
    expect((await call("GET", configMaps, undefined, { origin: "null" })).status).toBe(403);
    expect((await call("GET", configMaps, undefined, { origin: "http://127.0.0.1:15080" })).status).toBe(200);
  });

  test("it does not listen beyond loopback", () => {
    const options = { store, token, version: "0", log: silentLog, providers: { ...unusedProviders } };
    expect(() =>
      startApiServer({ ...options, listen: { kind: "tcp", address: "0.0.0.0", port: 0 } }),
    ).toThrow("does not listen");
    const taken = { kind: "tcp", address: "127.0.0.1", port: server.port ?? 0 } as const;
    expect(() => startApiServer({ ...options, listen: taken })).toThrow("is in use");
  });
});

const unusedProviders = {
  meshStatus: (): never => {
    throw new Error("unused");
  },
  topology: (): never => {
    throw new Error("unused");
  },
  createJoinToken: (): never => {
    throw new Error("unused");
  },
};

describe("objects", () => {
  test("are created, read, replaced, patched and deleted", async () => {
    const created = await call("POST", configMaps, configMap("settings", { a: "1" }));
    expect(created.status).toBe(201);
    expect(created.body.metadata.namespace).toBe("default");
    expect((await call("POST", configMaps, configMap("settings"))).body.reason).toBe("AlreadyExists");

    const patched = await call(
      "PATCH",
      `${configMaps}/settings`,
      { data: { b: "2", a: null } },
      { "content-type": "application/merge-patch+json" },
    );
    expect(patched.body.data).toEqual({ b: "2" });

    const stale = await call(
      "PUT",
      `${configMaps}/settings`,
      configMap("settings", {}, { resourceVersion: created.body.metadata.resourceVersion }),
    );
    expect([stale.status, stale.body.reason]).toEqual([409, "Conflict"]);

    const replaced = await call("PUT", `${configMaps}/settings`, configMap("settings", { c: "3" }));
    expect((await call("GET", `${configMaps}/settings`)).body).toEqual(replaced.body);

    expect((await call("DELETE", `${configMaps}/settings`)).body.status).toBe("Success");
    const gone = await call("GET", `${configMaps}/settings`);
    expect([gone.status, gone.body.kind, gone.body.reason]).toEqual([404, "Status", "NotFound"]);
  });

  test("a broken one is refused with every issue, and nothing is written", async () => {
    const before = store.sequence;
    const { status, body } = await call("POST", "/api/v1/namespaces/default/services", {
      ...service("Bad_Name"),
      spec: { ports: [{ port: 99_999 }], color: "red" },
    });
    expect([status, body.reason]).toEqual([422, "Invalid"]);
    const fields: string[] = body.details.causes.map((cause: { field: string }) => cause.field);
    expect(fields).toContain("spec.color");
    expect(fields.join(" ")).toContain("spec.ports[0].port");
    expect(store.sequence).toBe(before);
  });

  test.each([
    ["a wrong media type", "text/plain", "{}", 400],
    ["broken JSON", "application/json", "{", 400],
    ["invalid UTF-8", "application/json", new Uint8Array([0x22, 0xff, 0x22]), 400],
  ])("%s is refused", async (_name, type, body, status) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": type };
    const response = await fetch(`${server.url}${configMaps}`, { method: "POST", headers, body });
    expect(response.status).toBe(status);
  });

  test("lists choose by label and name", async () => {
    for (const [name, app] of [
      ["one", "a"],
      ["two", "b"],
    ] as const) {
      await call("POST", configMaps, configMap(name, {}, { labels: { app } }));
    }
    const names = async (query: string): Promise<string[]> =>
      (await call("GET", `${configMaps}${query}`)).body.items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
    expect(await names("?labelSelector=app%3Db")).toEqual(["two"]);
    expect(await names("?fieldSelector=metadata.name%3Done")).toEqual(["one"]);
    expect((await call("GET", `${configMaps}?labelSelector=%3D%3D`)).status).toBe(400);
    expect((await call("GET", "/api/v1/configmaps")).body.kind).toBe("ConfigMapList");
  });

  test("a status is written apart from the rest and makes no revision", async () => {
    await call("POST", "/api/v1/namespaces/default/services", service("web"));
    const revision = store.revision;
    const status = { conditions: [] };
    const { status: code, body } = await call("PUT", "/api/v1/namespaces/default/services/web/status", {
      status,
    });
    expect([code, body.status]).toEqual([200, status]);
    expect(store.revision).toBe(revision);
  });

  test("a status write is refused where it is stale or names something else", async () => {
    const created = await call("POST", "/api/v1/namespaces/default/services", service("web"));
    const path = "/api/v1/namespaces/default/services/web";
    await call("PUT", path, { ...service("web"), spec: { selector: { app: "web" }, ports: [{ port: 81 }] } });
    const { resourceVersion } = created.body.metadata;
    expect((await call("PUT", `${path}/status`, { metadata: { resourceVersion }, status: {} })).status).toBe(
      409,
    );
    expect((await call("PUT", `${path}/status`, { metadata: { name: "other" }, status: {} })).status).toBe(
      400,
    );
  });

  test("a method or body that is not possible gets a Status that says so", async () => {
    const method = await call("PUT", configMaps, {});
    expect([method.status, method.body.code]).toEqual([405, 405]);
    const large = await call("POST", configMaps, configMap("large", { a: "x".repeat(13 * 1024 * 1024) }));
    expect([large.status, large.body.kind]).toEqual([413, "Status"]);
  });
});

describe("transactions", () => {
  const path = "/apis/weft.dev/v1alpha1/transactions";

  test("are one revision, and nothing where nothing changes", async () => {
    const request = {
      message: "first",
      author: "ann",
      objects: [service("web", "shop"), { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }],
    };
    const first = await call("POST", path, request);
    expect(first.body.results.map((result: { outcome: string }) => result.outcome)).toEqual([
      "created",
      "created",
    ]);
    expect((await call("POST", path, request)).body).toMatchObject({
      revision: first.body.revision,
      results: [{ outcome: "unchanged" }, { outcome: "unchanged" }],
    });
    const { body } = await call("GET", "/apis/weft.dev/v1alpha1/history?limit=1");
    expect(body.items[0]).toMatchObject({ revision: first.body.revision, author: "ann", message: "first" });
  });

  test("are refused whole, with the place of each issue", async () => {
    const { status, body } = await call("POST", path, {
      objects: [service("fine"), service("lost", "nowhere"), { ...service("broken"), spec: { ports: [] } }],
    });
    expect(status).toBe(422);
    expect(body.details.causes[0].field).toBe("objects[2].spec.ports");
    expect(
      (await call("POST", path, { objects: [service("fine"), service("lost", "nowhere")] })).body.details
        .causes,
    ).toEqual([
      {
        reason: "FieldValueInvalid",
        field: "objects[1].metadata.namespace",
        message: "namespace nowhere does not exist; apply a Namespace of that name with it",
      },
    ]);
    expect(store.get({ kind: "Service", namespace: "default", name: "fine" })).toBeUndefined();
  });

  test("a dry run tells and writes nothing", async () => {
    const before = store.sequence;
    const { body } = await call("POST", path, { dryRun: true, objects: [service("web")] });
    expect(body.results).toEqual([
      { kind: "Service", namespace: "default", name: "web", outcome: "created" },
    ]);
    expect(store.sequence).toBe(before);
  });

  test("a deleted namespace takes along what lives in it; the mesh's own stay", async () => {
    await call("POST", path, {
      objects: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }, service("web", "shop")],
    });
    const { body } = await call("POST", path, { deletions: [{ kind: "Namespace", name: "shop" }] });
    expect(body.results.map((result: { kind: string }) => result.kind)).toEqual(["Namespace", "Service"]);
    expect(store.list({ kind: "Service" }).items).toEqual([]);
    expect((await call("POST", path, { deletions: [{ kind: "Namespace", name: "default" }] })).status).toBe(
      403,
    );
    expect(
      (await call("POST", path, { deletions: [{ kind: "Service", namespace: "default", name: "no" }] }))
        .status,
    ).toBe(404);
  });

  test("services get distinct addresses that stay theirs", async () => {
    const objects = Array.from({ length: 50 }, (_, index) => service(`s${index}`));
    await call("POST", path, { objects });
    const addresses = (): (readonly string[])[] =>
      store.list({ kind: "Service" }).items.map(({ spec }) => spec.clusterIPs ?? []);
    const before = addresses();
    expect(new Set(before.flat()).size).toBe(before.flat().length);
    await call("POST", path, {
      objects: objects.map((each) => ({ ...each, spec: { ...each.spec, ports: [{ port: 81 }] } })),
    });
    expect(addresses()).toEqual(before);
  });

  test("writes at the same time come one after another", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => call("POST", path, { objects: [service(`p${index}`)] })),
    );
    expect(new Set(answers.map(({ body }) => body.revision)).size).toBe(20);
  });
});

describe("watch", () => {
  async function* lines(query: string): AsyncGenerator<Answer["body"]> {
    const response = await fetch(`${server.url}${configMaps}?watch=1${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split("\n");
      text = parts.pop() ?? "";
      for (const part of parts) yield JSON.parse(part);
    }
  }

  test("tells what is there, then each change, of its own kind only", async () => {
    await call("POST", configMaps, configMap("one"));
    const seen: string[] = [];
    for await (const { type, object } of lines("")) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 1) {
        await call("POST", "/api/v1/namespaces/default/services", service("web"));
        await call("POST", configMaps, configMap("two"));
        await call("PUT", `${configMaps}/two`, configMap("two", { a: "1" }));
        await call("DELETE", `${configMaps}/two`);
      }
      if (seen.length === 4) break;
    }
    expect(seen).toEqual(["ADDED one", "ADDED two", "MODIFIED two", "DELETED two"]);
  });

  test("resumes after a version, and misses nothing", async () => {
    const first = await call("POST", configMaps, configMap("one"));
    await call("POST", configMaps, configMap("two"));
    for await (const { type, object } of lines(`&resourceVersion=${first.body.metadata.resourceVersion}`)) {
      expect(`${type} ${object.metadata.name}`).toBe("ADDED two");
      break;
    }
  });

  test("ends when the server stops", async () => {
    await call("POST", configMaps, configMap("one"));
    let stopped: Promise<void> | undefined;
    for await (const { type } of lines("")) {
      expect(type).toBe("ADDED");
      stopped = server.stop();
    }
    await stopped;
  });
});

describe("mesh paths", () => {
  test("a join token is for a service account that exists", async () => {
    const path = (name: string): string => `/api/v1/namespaces/default/serviceaccounts/${name}/token`;
    const { status, body } = await call("POST", path("default"), { spec: { audiences: ["weft-join"] } });
    expect([status, body.status.token]).toEqual([201, "join-default-default"]);
    expect((await call("POST", path("nobody"), {})).status).toBe(404);
    expect((await call("POST", path("default"), { spec: { expirationSeconds: 100_000 } })).status).toBe(422);
  });

  test("status and topology come from the control plane", async () => {
    expect((await call("GET", "/apis/weft.dev/v1alpha1/topology?window=30")).body.windowSeconds).toBe(30);
    expect((await call("GET", "/apis/weft.dev/v1alpha1/topology?window=x")).status).toBe(400);
    expect((await call("GET", "/apis/weft.dev/v1alpha1/status")).status).toBe(503);
  });

  test("discovery names every group and kind", async () => {
    const { body } = await call("GET", "/apis");
    const groups: string[] = body.groups.map((group: { name: string }) => group.name);
    expect(groups).toContain("gateway.networking.k8s.io");
    const core = await call("GET", "/api/v1");
    expect(
      core.body.resources.find((resource: { name: string }) => resource.name === "services").namespaced,
    ).toBe(true);
    expect((await call("GET", "/apis/unknown.example")).status).toBe(404);
  });

  test.each([
    "/api/v1/services/web",
    "/api/v1/namespaces/default/namespaces",
    "/api/v2/services",
    "/api/v1/namespaces/a%2Fb/services/x",
  ])("%s names nothing", async (path) => {
    expect((await call("GET", path)).status).toBe(404);
  });
});
