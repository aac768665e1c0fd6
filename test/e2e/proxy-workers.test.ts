/** `weft proxy --workers`: a gateway and two sidecars of the mesh, each of several processes that look like one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Resolver } from "node:dns/promises";
import { BareMesh, type BareProxy, unusedPort } from "./harness/bare-mesh.ts";
import { eventually } from "./harness/eventually.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { gatewayTo, httpPort, splitRoute } from "./harness/resources.ts";

const hookTimeoutMs = 120_000;
const workers = ["--workers", "2"];

interface ConfigPage {
  readonly revision: number;
  readonly workers: readonly {
    readonly pid: number;
    readonly restarts: number;
    readonly revision: number;
    readonly config: { readonly identity: string; readonly controlPlane: { readonly connected: boolean } };
  }[];
}

const gatewayPort = unusedPort();
const outboundPort = unusedPort();
const firstPort = unusedPort();
const unaskedPort = unusedPort();
let apps: readonly Bun.Server<undefined>[];
let mesh: BareMesh;
let gateway: BareProxy;
let server: BareProxy;
let caller: BareProxy;
let startCaller: () => Promise<BareProxy>;

beforeAll(async () => {
  apps = ["v1", "v2"].map((version) =>
    Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(version) }),
  );
  mesh = await BareMesh.start([
    ...["v1", "v2"].map((version, i) => service(`web-${version}`, "web", apps[i]?.port ?? 0)),
    service("web", "web", apps[0]?.port ?? 0),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gateway", namespace: "weft-system" } },
    ...gatewayTo({ "web-v1": 1 }, gatewayPort),
  ]);
  const ports = apps.map(({ port = 0 }) => ({ port, name: `p${port}`, protocol: "http" }));
  const inbound = { workload: workloadOf("web", `${mesh.network}.2`, ports) };
  server = await mesh.startProxy("web", 2, inbound, workers);
  const explicit = (port: number, name: string) => ({
    address: "127.0.0.1",
    port,
    service: `default/${name}`,
    servicePort: httpPort,
  });
  const outbound = [
    explicit(outboundPort, "web"),
    explicit(firstPort, "web-v1"),
    explicit(unaskedPort, "web-v2"),
  ];
  startCaller = () => mesh.startProxy("caller", 3, { capture: { kind: "explicit", outbound } }, workers);
  caller = await startCaller();
  const door = { role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } } as const;
  gateway = await mesh.startProxy("door", 4, door, workers);
}, hookTimeoutMs);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  await Promise.all(apps.map((app) => app.stop(true)));
}, hookTimeoutMs);

function service(name: string, app: string, targetPort: number): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { selector: { app }, ports: [{ port: httpPort, targetPort, appProtocol: "http" }] },
  };
}

function workloadOf(
  name: string,
  address: string,
  ports: readonly { readonly port: number; readonly name: string; readonly protocol: string }[],
) {
  const common = { namespace: "default", serviceAccount: "default", region: "", zone: "" };
  return { ...common, name, labels: { app: name }, addresses: [address], ports };
}

async function config(proxy: BareProxy): Promise<ConfigPage> {
  const page: ConfigPage = JSON.parse(await (await fetch(`${proxy.adminUrl}/config`)).text());
  return page;
}

async function metric(proxy: BareProxy, name: string): Promise<number> {
  const text = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Each on a connection of its own, so that the kernel spreads them. */
async function ask(port: number, count: number, answer: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    const response = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: "close" } });
    expect([response.status, await response.text()]).toEqual([200, answer]);
  }
}

/** Whether somebody listens there: by asking for the port, as a connection that is reset at once may look refused. */
function isTaken(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return false;
  } catch {
    return true;
  }
}

const accepted = "weft_connections_accepted_total";

describe("a proxy with workers", () => {
  test("serves through a gateway and through a pair of sidecars, with one identity, and adds up what its workers count", async () => {
    const before = await Promise.all([metric(gateway, accepted), metric(caller, accepted)]);
    await eventually(() => ask(gatewayPort, 1, "v1"));
    await ask(gatewayPort, 39, "v1");
    await ask(outboundPort, 40, "v1");
    expect((await metric(gateway, accepted)) - (before[0] ?? 0)).toBeGreaterThanOrEqual(40);
    expect((await metric(caller, accepted)) - (before[1] ?? 0)).toBe(40);
    expect(await metric(server, accepted)).toBeGreaterThanOrEqual(2);
    expect(await metric(caller, "weft_control_plane_connected")).toBe(1);
    const page = await config(caller);
    expect(new Set(page.workers.map(({ pid }) => pid)).size).toBe(2);
    for (const each of page.workers) {
      expect(each.config.identity).toEndWith("/ns/default/sa/default");
      expect(each.config.controlPlane.connected).toBe(true);
    }
  });

  test("knows what it declares before anybody asks, in all workers", async () => {
    const subscriptions = await metric(caller, "weft_subscriptions");
    await ask(unaskedPort, 10, "v2");
    await ask(firstPort, 1, "v1");
    expect(await metric(caller, "weft_subscriptions")).toBe(subscriptions);
  });

  test("loses nothing while routes change, and is at a revision when all workers are", async () => {
    const load = OpenLoopLoad.start({ url: `http://127.0.0.1:${outboundPort}/`, requestsPerSecond: 100 });
    await eventually(() => expect(load.samples.length).toBeGreaterThan(20));
    for (const version of ["web-v2", "web-v1", "web-v2"]) {
      const { revision } = await config(caller);
      await mesh.apply(splitRoute("web", { [version]: 1 }));
      await eventually(async () => {
        const page = await config(caller);
        expect(page.revision).toBeGreaterThan(revision);
        for (const each of page.workers) expect(each.revision).toBe(page.revision);
      });
      const seen = load.samples.length;
      await eventually(() => expect(load.samples.length).toBeGreaterThan(seen + 20));
    }
    const samples = await load.stop();
    expect(countOutcomes(samples)).toEqual({ "200": samples.length });
    await ask(outboundPort, 10, "v2");
  });

  test.each([
    ["gateway", () => gateway, gatewayPort],
    ["sidecar", () => caller, outboundPort],
  ] as const)(
    "a %s's worker that is killed takes only its own connections with it, and comes back",
    async (_, of, port) => {
      const proxy = of();
      const counted = await metric(proxy, accepted);
      const [victim] = (await config(proxy)).workers;
      if (victim === undefined) throw new Error("no worker");
      const load = OpenLoopLoad.start({ url: `http://127.0.0.1:${port}/`, requestsPerSecond: 100 });
      await eventually(() => expect(load.samples.length).toBeGreaterThan(20));
      process.kill(victim.pid, "SIGKILL");
      await eventually(async () => {
        expect(await metric(proxy, "weft_workers_live")).toBe(2);
        expect(await metric(proxy, "weft_worker_restarts_total")).toBe(1);
      }, 30_000);
      const samples = await load.stop();
      // What was on its connections at that moment, at most one request each.
      expect(samples.length - (countOutcomes(samples)["200"] ?? 0)).toBeLessThanOrEqual(32);
      expect(await metric(proxy, accepted)).toBeGreaterThanOrEqual(counted);
      const answered = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
      expect(answered.status).toBe(200);
    },
  );

  test("shares the ports that traffic is redirected to, and answers names in the parent", async () => {
    const [outbound, inbound, dnsPort] = [unusedPort(), unusedPort(), unusedPort()];
    const capture = {
      kind: "redirect",
      outboundPort: outbound,
      inboundPort: inbound,
      dnsPort,
      mark: 0,
    } as const;
    const captured = await mesh.startProxy("captured", 5, { capture }, workers);
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${dnsPort}`]);
    expect(await resolver.resolve4("web.default.svc.cluster.local")).toHaveLength(1);
    expect(await metric(captured, "weft_dns_queries_total")).toBeGreaterThanOrEqual(1);
    expect(await metric(captured, "weft_workers_live")).toBe(2);
    const ports = [outbound, inbound];
    for (const port of ports) expect(isTaken(port)).toBe(true);
  });

  test("reports what its workers count as one", async () => {
    const topology = JSON.stringify(await mesh.client.topology(60));
    expect(topology).toContain("default/caller");
  });

  test("SIGTERM drains all workers, loses no request of them, and exits 0", async () => {
    const pids = (await config(caller)).workers.map(({ pid }) => pid);
    caller.process.kill("SIGTERM");
    expect((await caller.process.finished).code).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });

  test("comes back with what it had on disk", async () => {
    caller = await startCaller();
    await ask(outboundPort, 10, "v2");
  });
});
