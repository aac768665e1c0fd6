/** Live traffic of a running mesh: what `weft tap` and `weft logs` show, who may look, and that looking hurts nobody. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AuditEntry, TapEvent, TapRecordView } from "../../src/api/index.ts";
import { ApiClient } from "../../src/client/index.ts";
import { BareMesh, unusedPort } from "./harness/bare-mesh.ts";
import { type Running, spawnProcess } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import { startMesh, type TestMesh, weftProgram } from "./harness/mesh.ts";
import { killNow, processOf } from "./harness/mesh-processes.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { gatewayTo, httpPort, versionService, webProgram, yaml } from "./harness/resources.ts";

const hookTimeoutMs = 90_000;
const recoveryTimeoutMs = 30_000;
const sayTimeoutMs = 20_000;
const tapPath = "/apis/weft.dev/v1alpha1/tap";

describe("a mesh of one program", () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    mesh = await startMesh({
      files: {
        "programs.yaml": yaml(webProgram("v1")),
        "routes.yaml": yaml(versionService("web", "v1"), gatewayTo({ "web-v1": 1 })),
      },
    });
  }, hookTimeoutMs);
  afterAll(() => mesh[Symbol.asyncDispose](), hookTimeoutMs);

  /** `weft tap`, from when the proxies were told. */
  async function tapping(...args: readonly string[]): Promise<Running> {
    const child = spawnProcess([weftProgram, "tap", ...args, "--instance", mesh.instance], {
      env: mesh.env,
      cwd: mesh.folder,
    });
    await child.untilLine("stderr", sayTimeoutMs, (line) => line.includes("proxies were told") || undefined);
    return child;
  }

  function recordsOf(child: Running): TapRecordView[] {
    return child.stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line): TapRecordView => JSON.parse(line));
  }

  const token = (): string => readFileSync(join(mesh.dataDir, "token"), "utf8").trim();
  const asAnn = (query: string, signal: AbortSignal): Promise<Response> =>
    fetch(`${mesh.ready.api}${tapPath}?${query}`, {
      headers: { authorization: `Bearer ${token()}`, "impersonate-user": "ann" },
      signal,
    });

  test("a request through the door is told by both proxies, without secrets, and found again hop by hop", async () => {
    const tap = await tapping("-A", "--side", "both", "--headers", "--bodies", "16", "-o", "json", "-c", "2");
    const answer = await mesh.get("/hello?secret=1", { headers: { authorization: "Bearer secret" } });
    const body = await answer.text();
    await tap.within(sayTimeoutMs);
    const records = recordsOf(tap);
    expect(tap.stdout).not.toContain("secret");
    expect(tap.stdout).not.toContain(Buffer.from("Bearer secret").toString("base64"));
    const byDirection = Object.fromEntries(records.map((each) => [each.direction, each]));
    expect(byDirection["DIRECTION_OUTBOUND"]).toMatchObject({
      ...{ method: "GET", path: "/hello", status: 200, mtls: true, destinationWorkload: "default/web-v1" },
      responseBody: Buffer.from(body.slice(0, 16)).toString("base64"),
    });
    expect(byDirection["DIRECTION_INBOUND"]).toMatchObject({ path: "/hello", proxy: "default/web-v1" });
    const client = new ApiClient({ server: mesh.ready.api, token: token() });
    const hops = await client.tappedRequest(byDirection["DIRECTION_INBOUND"]?.requestId ?? "");
    expect(hops.map(({ direction }) => direction)).toEqual(["DIRECTION_OUTBOUND", "DIRECTION_INBOUND"]);
    expect(hops[0]).not.toHaveProperty("requestHeaders");
  });

  test("a filter lets through what it is true for, and one that is wrong is said in one line", async () => {
    const tap = await tapping("-A", "--filter", 'request.path.startsWith("/wanted")', "-c", "1");
    await mesh.get("/other");
    await mesh.get("/wanted/1");
    await tap.within(sayTimeoutMs);
    expect(tap.stdout).toMatch(/GET \/wanted\/1 {2}200/);
    expect(tap.stdout).not.toContain("/other");
    const wrong = await mesh.weft("tap", "-A", "--filter", "request.nope == 1");
    expect([wrong.code, wrong.stderr.trim().split("\n").length]).toEqual([64, 1]);
    expect(wrong.stderr).toContain("request.nope is no attribute");
  });

  test("who has no right is refused, who has it is written down, and bodies are a right of their own", async () => {
    const left = new AbortController();
    expect((await asAnn("", left.signal)).status).toBe(403);
    await mesh.apply(
      yaml({
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
        metadata: { name: "ann-operates" },
        subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "ann" }],
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "weft:operator" },
      }),
    );
    expect((await asAnn("bodies=10", left.signal)).status).toBe(403);
    const allowed = await asAnn("service=default/web-v1&filter=connection.mtls&seconds=30", left.signal);
    expect(allowed.status).toBe(200);
    left.abort();
    const entries = await mesh.weftJson<AuditEntry[]>("audit", "list", "--limit", "50");
    const denied = entries.filter(({ outcome, user }) => outcome === "denied" && user === "ann");
    expect(denied.map(({ verb }) => verb)).toEqual([
      expect.stringContaining("create taps"),
      expect.stringContaining("create taps/bodies"),
    ]);
    expect(entries.filter(({ verb, user }) => verb === "tap" && user === "ann")).toMatchObject([
      {
        ...{ outcome: "ok", objects: [{ kind: "Service", namespace: "default", name: "web-v1" }] },
        message: "no headers, no bodies, 50 a second at each proxy, for 30 s, filter connection.mtls",
      },
    ]);
  });

  test("1,000 requests a second lose nothing to a tap of 10 a second, and the tap tells what it left out", async () => {
    const tap = await tapping("-A", "--max-per-second", "10", "--for", "4s", "-o", "json");
    const load = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 1_000 });
    const { stderr } = await tap.within(recoveryTimeoutMs);
    const samples = await load.stop();
    expect(countOutcomes(samples)).toEqual({ "200": samples.length });
    expect(samples.length).toBeGreaterThan(2_000);
    const told = recordsOf(tap).length;
    expect(told).toBeGreaterThan(10);
    expect(told).toBeLessThanOrEqual(60);
    const lost = Number(/(\d+) more were not told/.exec(stderr)?.[1]);
    expect(lost).toBeGreaterThan(1_000);
  }, 60_000);

  test("a control plane that dies ends every tap, loses no request, and is tapped again when it is back", async () => {
    const tap = await tapping("-A", "-o", "json");
    const load = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 50 });
    await eventually(() => expect(recordsOf(tap).length).toBeGreaterThan(5), sayTimeoutMs);
    const before = processOf(mesh, "control");
    killNow(before);
    const { code, stderr } = await tap.within(recoveryTimeoutMs);
    expect([code === 0, stderr.includes("internal")]).toEqual([false, false]);
    await eventually(() => expect(processOf(mesh, "control").pid).not.toBe(before.pid), recoveryTimeoutMs);
    await eventually(async () => {
      const again = await tapping("-A", "-o", "json", "-c", "3", "--for", "3s");
      await again.within(recoveryTimeoutMs);
      expect(recordsOf(again).length).toBe(3);
    }, recoveryTimeoutMs);
    const samples = await load.stop();
    expect(countOutcomes(samples)).toEqual({ "200": samples.length });
  }, 120_000);

  test("files for other programs, and the logs that its proxies have written", async () => {
    const har = join(mesh.folder, "files", "a.har");
    const record = join(mesh.folder, "files", "traffic.ndjson");
    const tap = await tapping("-A", "--har", har, "--record", record, "-c", "1");
    await mesh.get("/archived");
    await tap.within(sayTimeoutMs);
    expect(JSON.parse(readFileSync(har, "utf8"))).toHaveProperty("log.entries.0.request.method", "GET");
    expect(readFileSync(record, "utf8").split("\n")[0]).toContain('"format":"weft-traffic","version":1');
    await eventually(async () => {
      const { stdout } = await mesh.weft("logs", "web-v1", "--tail", "5");
      expect(stdout).toContain("GET /archived  200");
    });
    expect((await mesh.weft("logs", "nobody")).stdout).toBe("");
  });
});

test(
  "a proxy of several workers is tapped in all of them",
  async () => {
    const app = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: {
        selector: { app: "web" },
        ports: [{ port: httpPort, targetPort: app.port ?? 0, appProtocol: "http" }],
      },
    };
    await using mesh = await BareMesh.start([service]);
    const port = unusedPort();
    const address = `${mesh.network}.2`;
    const ports = [{ port: app.port ?? 0, name: "http", protocol: "http" }];
    const workload = {
      ...{ namespace: "default", name: "web", serviceAccount: "default", labels: { app: "web" } },
      ...{ addresses: [address], ports, region: "", zone: "" },
    };
    await mesh.startProxy("web", 2, { workload }, ["--workers", "2"]);
    const outbound = [{ address: "127.0.0.1", port, service: "default/web", servicePort: httpPort }];
    await mesh.startProxy("caller", 3, { capture: { kind: "explicit", outbound } }, ["--workers", "2"]);
    const over = new AbortController();
    const requests = new Set<string>();
    const told = new Map<string, number>();
    const isEnough = (): boolean =>
      (told.get("default/caller") ?? 0) >= 40 && (told.get("default/web") ?? 0) >= 40;
    for await (const event of mesh.client.tap({ maxPerSecond: 1_000, seconds: 30 }, over.signal)) {
      if (event.type === "started") await send(port, 40);
      const record: TapEvent["record"] = event.record;
      if (record === undefined) continue;
      told.set(record.proxy ?? "", (told.get(record.proxy ?? "") ?? 0) + 1);
      requests.add(record.requestId ?? "");
      if (isEnough()) over.abort();
    }
    expect([told.get("default/caller"), told.get("default/web"), requests.size]).toEqual([40, 40, 40]);
    await app.stop(true);
  },
  hookTimeoutMs,
);

/** Each on a connection of its own: the kernel spreads them. */
async function send(port: number, count: number): Promise<void> {
  const answers = Array.from({ length: count }, () =>
    fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" }, keepalive: false }),
  );
  for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
}
