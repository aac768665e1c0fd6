/** What breaks, and what of it is felt: the control plane, an instance, a sidecar, all of `weft up`; each by `kill -9` under load. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "../../src/client/index.ts";
import { eventually } from "./harness/eventually.ts";
import { readMetric, workloadPlace } from "./harness/inside-fabric.ts";
import { processesWithMark } from "./harness/machine-state.ts";
import { killNow, type MeshProcess, meshProcesses, processOf } from "./harness/mesh-processes.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";
import { failures, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { Outage } from "./harness/outage.ts";
import {
  configMap,
  gatewayRoute,
  gatewayTo,
  httpPort,
  program,
  testProgram,
  versionService,
  webProgram,
  yaml,
} from "./harness/resources.ts";

const hookTimeoutMs = 90_000;
const recoveryTimeoutMs = 40_000;
/** What passes on one machine between a process's death and its peers' seeing their connections closed. */
const seenDeadMs = 100;

const http = [{ port: httpPort, protocol: "http" }];
/** Answers after 20 ms, so that requests are in flight when something dies. */
const slow = { DELAY_MS: "20" };

const files = {
  "programs.yaml": yaml(
    webProgram("v1", slow),
    webProgram("v2", slow),
    program({
      name: "front",
      command: testProgram("front"),
      ports: http,
      upstreams: [{ service: "web", port: httpPort }],
    }),
  ),
  "routes.yaml": yaml(versionService("web", "v1"), versionService("web", "v2"), gatewayTo({ web: 1 })),
};

describe("under load", () => {
  let mesh: TestMesh;
  let load: OpenLoopLoad | undefined;

  beforeAll(async () => {
    mesh = await startMesh({ files });
  }, hookTimeoutMs);

  afterEach(async () => {
    await load?.stop();
    load = undefined;
  });

  afterAll(() => mesh[Symbol.asyncDispose](), hookTimeoutMs);

  async function startLoad(): Promise<OpenLoopLoad> {
    const started = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 200 });
    load = started;
    await moreAnswers(started, 100);
    return started;
  }

  test("kill -9 of the control plane loses no request, and no transaction that it acknowledged", async () => {
    const running = await startLoad();
    const before = processOf(mesh, "control");
    const client = apiClient(mesh);
    const acknowledged: string[] = [];
    const writing = writeUntilRefused(client, acknowledged);
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(5));
    killNow(before);
    await writing;

    await eventually(() => expect(processOf(mesh, "control").pid).not.toBe(before.pid), recoveryTimeoutMs);
    await eventually(async () => expect(await client.isReady()).toBe(true), recoveryTimeoutMs);
    await untilAllAreBack(mesh, 4);
    const { items } = await client.list("ConfigMap", { namespace: "default" });
    const kept = items.map(({ metadata }) => metadata.name);
    expect(acknowledged.filter((name) => !kept.includes(name))).toEqual([]);

    // It is in charge again.
    await mesh.apply(yaml(gatewayRoute({ "web-v2": 1 })));
    await moreAnswers(running, 100);
    expect(await (await mesh.get("/")).text()).toBe("v2\n");
    await mesh.apply(yaml(gatewayRoute({ web: 1 })));
    expect(failures(await running.stop())).toEqual([]);
  });

  test("with the control plane down, sidecars start from their last good configuration and serve; then all converges", async () => {
    await mesh.apply(yaml(gatewayRoute({ front: 1 })));
    expect(await (await mesh.get("/")).text()).toStartWith("v");
    // It writes within a second of a change; what came less than that before a crash is asked for again.
    const lastGood = join(mesh.dataDir, "proxies", "default", "front", "last-good.bin");
    await eventually(() => expect(readFileSync(lastGood, "latin1")).toContain(`default/web:${httpPort}@`));
    const outage = Outage.begin(mesh);
    try {
      await expectDown(mesh);
      const sites = ["default/front", "default/web-v1", "default/web-v2"];
      const before = sites.map((site) => processOf(mesh, "proxy", site).pid);
      for (const site of sites) killNow(processOf(mesh, "proxy", site));
      await eventually(() => {
        const after = sites.map((site) => processOf(mesh, "proxy", site).pid);
        expect(after.filter((pid) => before.includes(pid))).toEqual([]);
      }, recoveryTimeoutMs);
      // Through three sidecars that have never seen a control plane: door, front, web.
      await eventually(async () => expect((await mesh.get("/")).status).toBe(200), recoveryTimeoutMs);
      const running = await startLoad();
      expect(failures(await running.stop())).toEqual([]);
      await expectDown(mesh);
      expect(outage.kills).toBeGreaterThan(1);
    } finally {
      outage.end();
    }
    await untilAllAreBack(mesh, 4);
    await mesh.apply(yaml(gatewayRoute({ web: 1 })));
    const { sidecar } = await workloadPlace(mesh, "web-v1");
    expect(await readMetric(mesh, sidecar, "weft_control_plane_connected", {})).toBe(1);
  });

  test("kill -9 of one of two instances: at most what was in flight fails, and nothing once it is seen dead", async () => {
    await expectOnlyInFlightFails(await startLoad(), processOf(mesh, "program", "default/web-v1"));
  });

  test("kill -9 of the sidecar of one of two instances: at most what was in flight fails", async () => {
    await expectOnlyInFlightFails(await startLoad(), processOf(mesh, "proxy", "default/web-v2"));
  });

  async function expectOnlyInFlightFails(running: OpenLoopLoad, victim: MeshProcess): Promise<void> {
    const { inFlight } = running;
    killNow(victim);
    const killedMs = Date.now();
    await eventually(() => {
      const { pid } = processOf(mesh, victim.role, victim.site);
      expect(pid).not.toBe(victim.pid);
    }, recoveryTimeoutMs);
    await moreAnswers(running, 300);
    const failed = failures(await running.stop());
    expect(failed.filter(({ sentMs }) => sentMs > killedMs + seenDeadMs)).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(inFlight);
    // Both take their share again.
    await eventually(async () => {
      const seen = await Promise.all(Array.from({ length: 8 }, async () => (await mesh.get("/")).text()));
      expect(new Set(seen)).toEqual(new Set(["v1\n", "v2\n"]));
    }, recoveryTimeoutMs);
  }
});

describe("weft up itself", () => {
  test("after kill -9 the next one of the same name cleans up, starts at once, and leaves nothing in its turn", async () => {
    await using killed = await startMesh({ files });
    await killed.apply(yaml(configMap("kept")));
    const left = meshProcesses(killed);
    // A control plane, a gateway, three programs with their sidecars.
    expect(left.length).toBeGreaterThanOrEqual(8);
    const { code } = await killed.end("SIGKILL");
    expect(code).not.toBe(0);

    await using next = await startMesh({ files, again: killed });
    expect(next.instance).toBe(killed.instance);
    const pids = meshProcesses(next).map(({ pid }) => pid);
    expect(left.filter(({ pid }) => pids.includes(pid))).toEqual([]);
    const stillThere = processesWithMark(`${killed.folder}/run`).length;
    expect(stillThere).toBe(pids.length + 1);
    expect((await next.get("/")).status).toBe(200);
    expect((await next.weft("get", "configmap", "kept")).code).toBe(0);
  });

  test("after kill -9 everything that it started ends by itself", async () => {
    await using killed = await startMesh({ files });
    await killed.end("SIGKILL");
    await eventually(() => expect(processesWithMark(`${killed.folder}/run`)).toEqual([]), 15_000);
  });
});

async function moreAnswers(load: OpenLoopLoad, count: number): Promise<void> {
  const wanted = load.samples.length + count;
  await eventually(() => expect(load.samples.length).toBeGreaterThanOrEqual(wanted));
}

function apiClient(mesh: TestMesh): ApiClient {
  return new ApiClient({
    server: mesh.ready.api,
    token: readFileSync(`${mesh.dataDir}/token`, "utf8").trim(),
    timeoutMs: 5_000,
  });
}

/** One transaction after the other, until the server is gone. Names only what was acknowledged. */
async function writeUntilRefused(client: ApiClient, acknowledged: string[]): Promise<void> {
  for (let i = 0; i < 5_000; i++) {
    const name = `note-${i}`;
    try {
      await client.transact({ objects: [configMap(name)], message: "" });
    } catch {
      return;
    }
    acknowledged.push(name);
  }
  throw new Error("the control plane was never gone");
}

async function expectDown(mesh: TestMesh): Promise<void> {
  const { code } = await mesh.weft("status");
  expect(code).toBe(69);
}

interface Status {
  readonly revision: number;
  readonly proxies: readonly {
    readonly id: string;
    readonly connected: boolean;
    readonly revision: number;
  }[];
}

async function untilAllAreBack(mesh: TestMesh, proxies: number): Promise<void> {
  await eventually(async () => {
    const status = await mesh.weftJson<Status>("status");
    const current = status.proxies.filter(
      ({ connected, revision }) => connected && revision >= status.revision,
    );
    expect(current.length).toBe(proxies);
  }, recoveryTimeoutMs);
}
