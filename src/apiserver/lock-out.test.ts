/** Planned writes against what the store holds: only what a change shuts is told, not what was shut before. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiObject, keyOf, parseObject } from "../api/index.ts";
import { silentLog, systemClock } from "../kernel/index.ts";
import { openSqliteStore, type Store } from "../store/index.ts";
import { lockOutError, securityLockOuts } from "./lock-out.ts";

let store: Store;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-lock-out-"));
  store = openSqliteStore({ path: join(directory, "store.sqlite"), clock: systemClock, log: silentLog });
  await put(
    parsed({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }),
    mesh({}),
    parsed({
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshWorkload",
      metadata: { name: "web-1", namespace: "shop", labels: { app: "web" } },
      spec: { serviceAccount: "web", addresses: ["10.77.0.1"] },
    }),
  );
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

function parsed(input: unknown): ApiObject {
  const result = parseObject(input, "write");
  if ("object" in result) return result.object;
  throw new Error(JSON.stringify(result.issues));
}

function mesh(spec: object): ApiObject {
  return parsed({ apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" }, spec });
}

function authz(name: string, spec: object): ApiObject {
  return parsed({
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace: "shop" },
    spec: { targetRefs: [{ kind: "Namespace", name: "shop" }], ...spec },
  });
}

async function put(...objects: ApiObject[]): Promise<void> {
  await store.commit(
    objects.map((object) => ({ type: "put", object })),
    { author: "test", message: "" },
  );
}

const none = (): ReadonlySet<string> => new Set();
const written = (...objects: ApiObject[]) => objects.map((object) => ({ key: keyOf(object), object }));
const deleted = (...objects: ApiObject[]) =>
  objects.map((object) => ({ key: keyOf(object), object: undefined }));

const denyAll = authz("deny", { action: "Deny", rules: [{}] });
const allowShop = authz("allow", { rules: [{ from: [{ namespaces: ["shop"] }] }] });
const shut = ["AuthorizationPolicy shop/deny denies everything to everybody at shop/web-1"];
const byDefault = ["MeshConfig denies by default and no policy allows anything at shop/web-1"];
const denying = mesh({ security: { defaultAuthorization: "Deny" } });

test("a policy that shuts a workload is told of, and one that does not is not", () => {
  expect(securityLockOuts(store, written(denyAll), none)).toEqual(shut);
  expect(securityLockOuts(store, written(allowShop), none)).toEqual([]);
});

test("what is shut already is nobody's lock-out", async () => {
  await put(denyAll);
  const worse = authz("allow", { rules: [{ from: [{ namespaces: ["a"] }] }] });
  expect(securityLockOuts(store, written(worse), none)).toEqual([]);
  expect(securityLockOuts(store, written(denyAll), none)).toEqual([]);
  expect(securityLockOuts(store, deleted(denyAll), none)).toEqual([]);
});

test("a default of deny is fine with a policy that allows, also one of the same change", async () => {
  expect(securityLockOuts(store, written(denying), none)).toEqual(byDefault);
  expect(securityLockOuts(store, written(denying, allowShop), none)).toEqual([]);
  await put(denying, allowShop);
  expect(securityLockOuts(store, deleted(allowShop), none)).toEqual(byDefault);
});

test("strict mTLS is told of only where somebody comes without a certificate", async () => {
  const mode = (value: string) =>
    parsed({
      apiVersion: "weft.dev/v1alpha1",
      kind: "AuthenticationPolicy",
      metadata: { name: "mesh", namespace: "weft-system" },
      spec: { targetRefs: [{ kind: "MeshConfig", name: "mesh" }], mtls: { mode: value } },
    });
  await put(parsed({ apiVersion: "v1", kind: "Namespace", metadata: { name: "weft-system" } }));
  await put(mode("Permissive"));
  expect(securityLockOuts(store, written(mode("Strict")), () => new Set(["shop/other"]))).toEqual([]);
  expect(securityLockOuts(store, written(mode("Strict")), () => new Set(["shop/web-1"]))).toEqual([
    "mTLS is strict and there are callers without a certificate at shop/web-1",
  ]);
  expect(securityLockOuts(store, deleted(mode("Permissive")), () => new Set(["shop/web-1"]))).toHaveLength(1);
});

test("a change of something else is not looked at", () => {
  const configMap = parsed({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a", namespace: "shop" },
  });
  expect(securityLockOuts(store, written(configMap), none)).toEqual([]);
});

test("the refusal names every place and the way on", () => {
  const error = lockOutError(shut);
  expect(error.code).toBe("conflict");
  expect(error.issues).toEqual([{ path: "acceptLockout", message: shut[0] ?? "" }]);
  expect(error.hint).toContain("--accept-lockout");
});
