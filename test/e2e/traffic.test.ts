/** Moving traffic between two versions while it flows: the shares are right, nothing is lost, and `--wait` means what it says. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ApiClient } from "../../src/client/index.ts";
import { curlInside, workloadPlace } from "./harness/inside-fabric.ts";
import { loadFromInside } from "./harness/load-from-inside.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";
import { countBodies, countOutcomes, failures, OpenLoopLoad } from "./harness/open-loop-load.ts";
import {
  gatewayRoute,
  gatewayTo,
  splitRoute,
  versionService,
  webProgram,
  yaml,
} from "./harness/resources.ts";

const hookTimeoutMs = 90_000;
let mesh: TestMesh;

function weights(v2: number): Record<string, number> {
  return { "web-v1": 100 - v2, "web-v2": v2 };
}

/** The same shares at the door and between the services. */
function shares(v2: number): object[] {
  return [splitRoute("web", weights(v2)), gatewayRoute(weights(v2))];
}

beforeAll(async () => {
  mesh = await startMesh({
    files: {
      "programs.yaml": yaml(webProgram("v1"), webProgram("v2")),
      "routes.yaml": yaml(
        versionService("web", "v1"),
        versionService("web", "v2"),
        splitRoute("web", weights(0)),
        gatewayTo(weights(0)),
      ),
    },
  });
}, hookTimeoutMs);

afterAll(() => mesh[Symbol.asyncDispose](), hookTimeoutMs);

test("90 to 10 is 90 to 10, within 3 points over 2,000 requests, at the door and between services", async () => {
  await mesh.apply(yaml(shares(10)));
  const inside = await loadFromInside(mesh, "measure", 250);
  const door = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 250 });
  await untilSamples(door, 2_000);
  for (const samples of [await door.stop(), await inside.stop()]) {
    const measured = samples.slice(0, 2_000);
    expect(measured.length).toBe(2_000);
    expect(countOutcomes(measured)).toEqual({ "200": 2_000 });
    const share = (countBodies(measured)["v2"] ?? 0) / 20;
    expect(share).toBeGreaterThanOrEqual(7);
    expect(share).toBeLessThanOrEqual(13);
  }
});

test("the weights change 50 times under 500 requests a second and no request fails", async () => {
  const client = apiClient();
  const inside = await loadFromInside(mesh, "steady", 250);
  const door = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 250 });
  const firstRevision = (await client.status()).revision;
  for (let change = 1; change <= 50; change++) {
    await client.transact({ objects: shares(change % 2 === 0 ? 2 * change : 100 - change), message: "" });
    // Each change gets its share of the load: 50 requests.
    await untilSamples(door, change * 25);
  }
  const samples = [...(await door.stop()), ...(await inside.stop())];
  expect((await client.status()).revision).toBe(firstRevision + 50);
  expect(samples.length).toBeGreaterThan(2_000);
  expect(failures(samples)).toEqual([]);
  const bodies = countBodies(samples);
  expect(bodies["v1"]).toBeGreaterThan(200);
  expect(bodies["v2"]).toBeGreaterThan(200);
});

test("after `weft apply --wait` has returned, not one request takes the old route", async () => {
  await mesh.apply(yaml(shares(0)));
  const inside = await loadFromInside(mesh, "switch", 250);
  const door = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 250 });
  await untilSamples(door, 100);
  const switches: { readonly untilMs: number; readonly version: string }[] = [];
  for (const [version, v2] of [
    ["v2", 100],
    ["v1", 0],
    ["v2", 100],
  ] as const) {
    await mesh.apply(yaml(shares(v2)));
    switches.push({ version, untilMs: Date.now() });
    await untilSamples(door, door.samples.length + 100);
  }
  const revision = await newestRevision();
  expect(await sidecarRevision("switch")).toBe(revision);
  const endedMs = Date.now();
  const samples = [...(await door.stop()), ...(await inside.stop())];
  expect(failures(samples)).toEqual([]);
  // From the return of one apply to the start of the next one there is but one version. The next one starts within the
  // 400 ms that 100 requests take.
  for (const [i, { untilMs, version }] of switches.entries()) {
    const nextMs = i === switches.length - 1 ? endedMs : untilMs + 300;
    const during = samples.filter(({ sentMs }) => sentMs > untilMs && sentMs < nextMs);
    expect(during.length).toBeGreaterThan(50);
    expect(countBodies(during)).toEqual({ [version]: during.length });
  }
});

test("`weft apply --wait` returns with every proxy at its revision, as `weft status` says", async () => {
  for (const v2 of [20, 40, 60]) {
    await mesh.apply(yaml(shares(v2)));
    const { revision, proxies } = await mesh.weftJson<Status>("status");
    expect(proxies.filter(({ connected }) => connected).length).toBeGreaterThanOrEqual(3);
    expect(proxies.filter((proxy) => proxy.connected && proxy.revision < revision)).toEqual([]);
  }
});

interface Status {
  readonly revision: number;
  readonly proxies: readonly {
    readonly id: string;
    readonly connected: boolean;
    readonly revision: number;
  }[];
}

async function untilSamples(load: OpenLoopLoad, count: number): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (load.samples.length < count) {
    if (performance.now() > endMs)
      throw new Error(`only ${load.samples.length} of ${count} requests were answered`);
    await Bun.sleep(5);
  }
}

function apiClient(): ApiClient {
  return new ApiClient({
    server: mesh.ready.api,
    token: readFileSync(`${mesh.dataDir}/token`, "utf8").trim(),
  });
}

async function newestRevision(): Promise<number> {
  return (await mesh.weftJson<Status>("status")).revision;
}

/** As the proxy itself says it. */
async function sidecarRevision(workload: string): Promise<number> {
  const { sidecar } = await workloadPlace(mesh, workload);
  const { stdout } = await curlInside(mesh, `http://${sidecar}:15020/config`);
  const config: { readonly revision: number } = JSON.parse(stdout);
  return config.revision;
}
