/** A configuration on trial in a real mesh: a bad one harms no more than its share and goes back by itself, a good one is promoted. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ApiClient } from "../../src/client/index.ts";
import { loadFromInside } from "./harness/load-from-inside.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";
import { countBodies, failures } from "./harness/open-loop-load.ts";
import { splitRoute, versionService, webProgram, yaml } from "./harness/resources.ts";

const hookTimeoutMs = 90_000;
const callers = ["caller-a", "caller-b", "caller-c", "caller-d"];
const requestsPerSecond = 40;
let mesh: TestMesh;

beforeAll(async () => {
  mesh = await startMesh({
    files: {
      "programs.yaml": yaml(webProgram("v1"), webProgram("v2")),
      "routes.yaml": yaml(
        versionService("web", "v1"),
        versionService("web", "v2"),
        splitRoute("web", { "web-v1": 100 }),
      ),
    },
  });
}, hookTimeoutMs);

afterAll(() => mesh[Symbol.asyncDispose](), hookTimeoutMs);

function apiClient(): ApiClient {
  const token = readFileSync(`${mesh.dataDir}/token`, "utf8").trim();
  return new ApiClient({ server: mesh.ready.api, token });
}

async function tryOut(route: object): Promise<{ code: number | null; err: string; out: string }> {
  const options = ["--canary", "25%", "--canary-watch", "20s", "--wait"];
  const { code, stdout, stderr } = await mesh.weftInput(yaml(route), "apply", "-f", "-", ...options);
  return { code, out: stdout, err: stderr };
}

const abortedRoute = {
  ...splitRoute("web", { "web-v1": 100 }),
  spec: {
    parentRefs: [{ group: "", kind: "Service", name: "web", port: 9080 }],
    rules: [{ backendRefs: [{ name: "nowhere", port: 9080 }] }],
  },
};

test("a bad route goes back by itself, and no more than its share of requests fails", async () => {
  const client = apiClient();
  const loads = await Promise.all(callers.map((name) => loadFromInside(mesh, name, requestsPerSecond)));
  const before = (await client.status()).revision;
  const { code, err } = await tryOut(abortedRoute);
  const samples = await Promise.all(loads.map((load) => load.stop()));
  expect([code, err]).toEqual([1, expect.stringContaining("WentBack")]);
  expect((await client.status()).revision).toBe(before);
  const failing = samples.filter((each) => failures(each).length > 0);
  expect(failing.length).toBe(1);
  // It was seen on the way, and what failed failed before the end.
  expect(failures(failing.flat()).length).toBeGreaterThanOrEqual(50);
  const all = samples.flat();
  expect(failures(all).length / all.length).toBeLessThanOrEqual(0.25);
  const [rollout] = await client.rollouts();
  expect(rollout?.status.reason).toContain("requests failed");
}, 120_000);

test("a good one is promoted, and not one request fails", async () => {
  const client = apiClient();
  const loads = await Promise.all(
    callers.map((name) => loadFromInside(mesh, `${name}-2`, requestsPerSecond)),
  );
  const before = (await client.status()).revision;
  const { code, err } = await tryOut(splitRoute("web", { "web-v2": 100 }));
  const samples = (await Promise.all(loads.map((load) => load.stop()))).flat();
  expect([code, err]).toEqual([0, expect.stringContaining("Promoted")]);
  expect(failures(samples)).toEqual([]);
  const bodies = countBodies(samples);
  expect((bodies["v1"] ?? 0) > (bodies["v2"] ?? 0) && (bodies["v2"] ?? 0) > 0).toBe(true);
  const { items } = await client.history({ limit: 1 });
  expect([items[0]?.revision, items[0]?.message]).toEqual([
    before + 1,
    expect.stringContaining("tried out as canary-2"),
  ]);
}, 120_000);
