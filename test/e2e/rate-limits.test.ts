/** A gateway's own limit, where several processes are that gateway. */
import { expect, test } from "bun:test";
import { gatewayTo, yaml } from "./harness/resources.ts";
import { serviceAt, startServe } from "./harness/serve.ts";

const workers = 2;
const requests = 20;

test("workers together let through the limit, and at most one more of the burst for each", async () => {
  const upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
  const policy = {
    apiVersion: "weft.dev/v1alpha1",
    kind: "RateLimitPolicy",
    metadata: { name: "calm" },
    spec: {
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "door" }],
      limits: [{ requests, period: "24h" }],
    },
  };
  const files = { "a.yaml": yaml(gatewayTo({ web: 1 }), serviceAt("web", upstream.port ?? 0), policy) };
  await using served = await startServe(files, ["--workers", String(workers)]);
  const statuses: number[] = [];
  for (let i = 0; i < 6 * requests; i++) {
    const response = await fetch(served.ready.gateway, { headers: { connection: "close" } });
    statuses.push(response.status);
    await response.text();
  }
  const passed = statuses.filter((status) => status === 200).length;
  expect(passed).toBeGreaterThanOrEqual(requests / workers);
  expect(passed).toBeLessThanOrEqual(requests + workers);
  expect(statuses.filter((status) => status === 429)).toHaveLength(statuses.length - passed);
  await upstream.stop(true);
}, 90_000);
