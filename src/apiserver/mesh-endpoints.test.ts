/** Paths that are no objects: join tokens, status, topology, discovery, and what names nothing. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { TestApi } from "./testing.ts";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

describe("mesh paths", () => {
  test("a join token is for a service account that exists", async () => {
    const path = (name: string): string => `/api/v1/namespaces/default/serviceaccounts/${name}/token`;
    const { status, body } = await api.call("POST", path("default"), { spec: { audiences: ["weft-join"] } });
    expect([status, body.status.token]).toEqual([201, "join-default-default"]);
    expect((await api.call("POST", path("nobody"), {})).status).toBe(404);
    expect((await api.call("POST", path("default"), { spec: { expirationSeconds: 100_000 } })).status).toBe(
      422,
    );
  });

  test("status and topology come from the control plane", async () => {
    expect((await api.call("GET", "/apis/weft.dev/v1alpha1/topology?window=30")).body.windowSeconds).toBe(30);
    expect((await api.call("GET", "/apis/weft.dev/v1alpha1/topology?window=x")).status).toBe(400);
    expect((await api.call("GET", "/apis/weft.dev/v1alpha1/status")).status).toBe(503);
  });

  test.each([
    ["topology?by=pod", "by must be one of workload, service"],
    ["topology?depth=11", "depth must be a whole number up to 10"],
    ["topology?focus=", "focus must have 1 to 640 characters"],
    ["signals?service=a/b&workload=a/c", "only one of service and workload"],
    ["signals?service=a/b&fromMs=5&toMs=5", "fromMs must be before toMs"],
    ["signals?service=a/b&by=colour", "by must be one of version, route"],
    ["services?window=1d", "window must be a whole number"],
  ])("%s is refused with what is wrong", async (path, message) => {
    const { status, body } = await api.call("GET", `/apis/weft.dev/v1alpha1/${path}`);
    expect([status, body.message]).toEqual([400, expect.stringContaining(message)]);
  });

  test("discovery names every group and kind", async () => {
    const { body } = await api.call("GET", "/apis");
    const groups: string[] = body.groups.map((group: { name: string }) => group.name);
    expect(groups).toContain("gateway.networking.k8s.io");
    const core = await api.call("GET", "/api/v1");
    expect(
      core.body.resources.find((resource: { name: string }) => resource.name === "services").namespaced,
    ).toBe(true);
    expect((await api.call("GET", "/apis/unknown.example")).status).toBe(404);
  });

  test.each([
    "/api/v1/services/web",
    "/api/v1/namespaces/default/namespaces",
    "/api/v2/services",
    "/api/v1/namespaces/a%2Fb/services/x",
  ])("%s names nothing", async (path) => {
    expect((await api.call("GET", path)).status).toBe(404);
  });
});
