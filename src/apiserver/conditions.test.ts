/** Conditions in CEL are refused when they are written, each with its place. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { TestApi } from "./testing.ts";

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.close());

const policy = (kind: string, spec: object) => ({
  apiVersion: "weft.dev/v1alpha1",
  kind,
  metadata: { name: "p", namespace: "default" },
  spec: { targetRefs: [{ kind: "Namespace", name: "default" }], ...spec },
});
const transactions = "/apis/weft.dev/v1alpha1/transactions";

test("all of a transaction at once, and nothing is written", async () => {
  const objects = [
    policy("AuthorizationPolicy", { rules: [{ when: ["connection.tls", "connection.tsl", "1 +"] }] }),
    policy("RateLimitPolicy", { limits: [{ requests: 1, match: { when: ["request.hour"] } }] }),
    policy("TelemetryPolicy", { metrics: { labels: [{ name: "a", value: "request.id" }] } }),
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshConfig",
      metadata: { name: "mesh" },
      spec: { telemetry: { accessLog: { filter: "jwt.subject == 'a'" } } },
    },
  ];
  const { status, body } = await api.call("POST", transactions, { objects });
  expect(status).toBe(422);
  expect(body.details.causes.map(({ field }: { field: string }) => field)).toEqual([
    "objects[0].spec.rules[0].when[1]",
    "objects[0].spec.rules[0].when[2]",
    "objects[1].spec.limits[0].match.when[0]",
    "objects[2].spec.metrics.labels[0].value",
    "objects[3].spec.telemetry.accessLog.filter",
  ]);
  expect(body.details.causes[0].message).toContain("at character 11: connection.tsl is no attribute");
  expect(api.store.get({ kind: "AuthorizationPolicy", namespace: "default", name: "p" })).toBeUndefined();
});

test("a readable one is written", async () => {
  const path = "/apis/weft.dev/v1alpha1/namespaces/default/authorizationpolicies";
  const { status } = await api.call(
    "POST",
    path,
    policy("AuthorizationPolicy", { rules: [{ when: ["connection.tls"] }] }),
  );
  expect(status).toBe(201);
});
