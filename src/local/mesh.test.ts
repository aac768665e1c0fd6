/** The supervisor: what is started in which order, what a crash does, how all of it ends. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, VirtualClock, WeftError } from "../kernel/index.ts";
import { LocalMesh } from "./mesh.ts";
import type { MeshControl } from "./mesh-control.ts";
import type { Program } from "./programs.ts";
import { FakeFabric } from "./testing/fake-fabric.ts";

let dataDir = "";
let health: ReturnType<typeof Bun.serve>;
/** What every proxy says of listeners that it could not open. */
let gatewayFailures: string[] = [];
/** Stands for the program's own listener. */
let listener: { readonly port: number; stop(force: boolean): void };

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "weft-mesh-"));
  writeFileSync(join(dataDir, "root.pem"), "the root");
  health = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ gatewayFailures }) });
  gatewayFailures = [];
  listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
});

afterEach(async () => {
  await health.stop(true);
  listener.stop(true);
  rmSync(dataDir, { recursive: true, force: true });
});

function program(name: string): Program {
  return {
    namespace: "default",
    name,
    labels: { app: name },
    annotations: {},
    service: name,
    serviceAccount: name,
    command: [name, "--serve"],
    cwd: tmpdir(),
    env: { OWN: "1", HOST: "from-file" },
    ports: [{ port: listener.port, name: "http", protocol: "http" }],
    upstreams: [],
  };
}

function setUp(programs: readonly Program[], more: Partial<MeshControl> = {}) {
  const fabric = new FakeFabric(health.port ?? 0);
  const calls: string[] = [];
  const control: MeshControl = {
    isReady: async () => true,
    apply: async (objects) => {
      calls.push(`apply ${objects.length} after ${fabric.starts.map(({ what }) => what).join()}`);
      return 7;
    },
    createJoinToken: async (namespace, serviceAccount) => `token of ${namespace}/${serviceAccount}`,
    status: async () => ({
      revision: 7,
      proxies: Array.from({ length: programs.length + 1 }, (_, i) => ({
        id: `p${i}`,
        connected: true,
        revision: 7,
      })),
    }),
    ...more,
  };
  const clock = new VirtualClock();
  const mesh = new LocalMesh({
    fabric,
    dataDir,
    programs,
    objects: [{}, {}],
    gateway: { hostAddress: "127.0.0.1" },
    env: { PATH: "/bin", HOST: "from-caller" },
    clock,
    log: silentLog,
    logFormat: "json",
    logLevel: "info",
    connect: () => control,
  });
  return { fabric, clock, mesh, calls };
}

/** Lets every promise that can go on do so. The deadline is in real time: a health request is answered over a real socket. */
async function until(check: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!check()) {
    if (performance.now() > deadlineMs) throw new Error(`never: ${check.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("starts the control plane, then applies, then everything else, each sidecar before its program", async () => {
  const { fabric, mesh, calls } = setUp([program("web"), program("db")]);
  const ready = await mesh.start();
  expect(ready).toMatchObject({ revision: 7, workloads: 2, silent: [] });
  // The two objects of the files, and before them the gateway's service account.
  expect(calls).toEqual(["apply 3 after control"]);
  const order = fabric.starts.map(({ what }) => what);
  expect(order[0]).toBe("control");
  expect(order.toSorted()).toEqual([
    "control",
    "program default/db",
    "program default/web",
    "proxy default/db",
    "proxy default/web",
    "proxy weft-system/gateway",
  ]);
  for (const name of ["web", "db"]) {
    expect(order.indexOf(`proxy default/${name}`)).toBeLessThan(order.indexOf(`program default/${name}`));
  }
  await mesh.stop();
});

test("a program's environment: the caller's, then the place's, then the file's", async () => {
  const { fabric, mesh } = setUp([program("web")]);
  await mesh.start();
  const { start } = fabric.all("program default/web")[0] ?? {};
  expect(start?.env).toMatchObject({
    OWN: "1",
    HOST: "from-file",
    PORT: String(listener.port),
    PATH: `/bin:${dataDir}/bin`,
  });
  expect(start?.argv).toEqual(["web", "--serve"]);
  await mesh.stop();
});

test("a proxy gets a bootstrap for its own identity, readable by its user alone", async () => {
  const { fabric, mesh } = setUp([program("web")]);
  await mesh.start();
  const path = fabric.all("proxy default/web")[0]?.start.argv.at(-1) ?? "";
  const bootstrap = JSON.parse(readFileSync(path, "utf8"));
  expect(bootstrap).toMatchObject({
    role: "sidecar",
    workload: { namespace: "default", name: "web", serviceAccount: "web", addresses: ["127.0.0.1"] },
    controlPlane: { address: "127.0.0.1", port: 15_012, trustRootsPem: "the root" },
  });
  expect(readFileSync(bootstrap.joinTokenFile, "utf8")).toBe("token of default/web");
  expect((await Bun.file(path).stat()).mode & 0o777).toBe(0o600);
  await mesh.stop();
});

test("a program that ends leaves the mesh, and comes back with its sidecar after a pause", async () => {
  const { fabric, mesh, clock } = setUp([program("web")]);
  await mesh.start();
  fabric.all("program default/web")[0]?.launched.end({ kind: "code", code: 1 });
  await until(() => fabric.all("proxy default/web")[0]?.launched.signals.includes(15) === true);
  expect(fabric.all("program default/web")).toHaveLength(1);
  await until(() => {
    clock.advance(500);
    return fabric.all("program default/web").length === 2;
  });
  expect(fabric.all("proxy default/web")).toHaveLength(2);
  await mesh.stop();
});

test("is not ready where somebody took the gateway's port since it was found free, and says which", async () => {
  const { fabric, mesh } = setUp([]);
  fabric.gatewayDoor = { kind: "tcp", address: "127.0.0.1", port: 8080 };
  gatewayFailures = ["gateway listener 127.0.0.1:8080: listen on 127.0.0.1:8080: the address is in use"];
  const failure = await mesh.start().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "address_in_use", message: gatewayFailures[0] ?? "" });
  await mesh.stop();
});

test("a sidecar that crashes comes back alone", async () => {
  const { fabric, mesh, clock } = setUp([program("web")]);
  await mesh.start();
  fabric.all("proxy default/web")[0]?.launched.end({ kind: "signal", signal: 9 });
  await until(() => {
    clock.advance(500);
    return fabric.all("proxy default/web").length === 2;
  });
  expect(fabric.all("program default/web")).toHaveLength(1);
  await mesh.stop();
});

test("proxies start from what they kept while the control plane is away", async () => {
  const away = new WeftError("unreachable", "no control plane");
  const { fabric, mesh } = setUp([program("web")], { createJoinToken: () => Promise.reject(away) });
  await mesh.start();
  const path = fabric.all("proxy default/web")[0]?.start.argv.at(-1) ?? "";
  expect(JSON.parse(readFileSync(path, "utf8"))).not.toHaveProperty("joinTokenFile");
  await mesh.stop();
});

test("stops the gateway first and the control plane last, then removes the fabric", async () => {
  const { fabric, mesh } = setUp([program("web")]);
  await mesh.start();
  const ended: string[] = [];
  for (const { what, launched } of fabric.starts) void launched.exited.then(() => ended.push(what));
  await mesh.stop();
  expect(ended).toEqual(["proxy weft-system/gateway", "program default/web", "proxy default/web", "control"]);
  expect(fabric.isClosed).toBe(true);
});

test("a control plane that dies before it is ready is reported with its last words", async () => {
  const { fabric, mesh, clock } = setUp([program("web")], { isReady: async () => false });
  const failure = mesh.start().catch((error: unknown) => error);
  await until(() => fabric.starts.length === 1);
  writeFileSync(join(dataDir, "logs", "control.log"), "first\nport 15080 is in use\n");
  fabric.starts[0]?.launched.end({ kind: "code", code: 1 });
  expect(await failure).toMatchObject({
    message: "the control plane exited with code 1: port 15080 is in use",
  });
  clock.advance(60_000);
  await mesh.stop();
  expect(fabric.starts).toHaveLength(1);
});

test("objects that are refused stop the start before any workload runs", async () => {
  const { fabric, mesh } = setUp([program("web")], {
    apply: () => Promise.reject(new WeftError("bad_input", "no")),
  });
  expect(await mesh.start().catch((error: unknown) => error)).toMatchObject({ message: "no" });
  await mesh.stop();
  expect(fabric.starts.map(({ what }) => what)).toEqual(["control"]);
});
