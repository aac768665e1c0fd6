/** An apply is all or nothing, also where the control plane is killed in it; who waits for one waits for every proxy that it concerns; and what goes is taken away last. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { Output } from "../../src/cli/output.ts";
import { waitForRevision } from "../../src/cli/wait-for-revision.ts";
import { ApiClient } from "../../src/client/index.ts";
import { shopPair } from "../../src/compile/test/certificates.ts";
import { silentLog } from "../../src/kernel/index.ts";
import { type RunningControl, startControl } from "../../src/control/index.ts";
import { clientOf, join, TestProxy } from "../../src/control/test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(joinPath(tmpdir(), "weft-atomic-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const clientAt = (server: string): ApiClient =>
  new ApiClient({ server, token: readFileSync(joinPath(dataDir, "token"), "utf8").trim() });

describe("killed while it applies", () => {
  const count = 60;
  const objects = (value: string): object[] =>
    Array.from({ length: count }, (_, index) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `c${index}` },
      // Large enough that a commit takes its time.
      data: { value, text: "x".repeat(10_000) },
    }));

  test("all objects of an apply are there or none, and none that was acknowledged is lost", async () => {
    let acknowledged = 0;
    let sent = 0;
    for (let round = 0; round < 4; round++) {
      const script = joinPath(import.meta.dir, "programs", "child-control.ts");
      const child = Bun.spawn([process.execPath, script, dataDir], { stdout: "pipe", stderr: "inherit" });
      const { value: line } = await child.stdout.getReader().read();
      const api = clientAt(
        /"apiUrl":"(?<url>[^"]+)"/.exec(Buffer.from(line ?? []).toString())?.groups?.["url"] ?? "",
      );
      const found = (await api.list("ConfigMap", { namespace: "default" })).items;
      const values = new Set(found.map(({ data }) => Number(data?.["value"])));
      expect([found.length, values.size]).toEqual(sent === 0 ? [0, 0] : [count, 1]);
      for (const value of values) expect(value).toBeGreaterThanOrEqual(acknowledged);
      // A little later in each round, so that another part of the way is hit.
      const until = sent + 3 + round;
      for (let isAlive = true; isAlive; ) {
        const value = ++sent;
        const answer = api.transact({ objects: objects(String(value)), message: "" });
        if (value === until) {
          void Bun.sleep(2 + 7 * round).then(() => child.kill("SIGKILL"));
        }
        isAlive = await answer.then(
          () => true,
          () => false,
        );
        if (isAlive) acknowledged = value;
      }
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL");
    }
    expect(acknowledged).toBeGreaterThan(4);
  }, 120_000);
});

describe("a running one", () => {
  let control: RunningControl;
  let api: ApiClient;
  const closers: (() => void)[] = [];

  beforeEach(async () => {
    control = await startControl({ dataDir, api: loopback, ads: loopback, log: silentLog });
    api = clientAt(control.apiUrl);
    await apply(
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web" } },
      ...["reviews", "old", "new"].map(service),
      route("old"),
    );
  });

  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await control.drain();
  });

  const service = (name: string): object => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  });
  const route = (to: string, parent: object = { group: "", kind: "Service", name: "reviews" }): object => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "r" },
    spec: { parentRefs: [parent], rules: [{ backendRefs: [{ name: to, port: 80 }] }] },
  });

  async function apply(...objects: object[]): Promise<number> {
    return (await api.transact({ objects, message: "" })).revision;
  }

  async function connect(workload: string, role = "sidecar", account = "web"): Promise<TestProxy> {
    const token = await api.createJoinToken({ namespace: "default", serviceAccount: account });
    const client = clientOf(control, await join(control, workload, token));
    const proxy = new TestProxy(client, workload, role);
    closers.push(() => {
      proxy.close();
      client.close();
    });
    await proxy.until(() => proxy.commits.length > 0);
    return proxy;
  }

  test("is waited for until every proxy that subscribes to it has said that it runs there, and for no other", async () => {
    const [first, second, aside] = [
      await connect("default/a"),
      await connect("default/b"),
      await connect("default/c"),
    ];
    for (const proxy of [first, second]) {
      proxy.subscribe("Outbound", "default/reviews:80@default");
      await proxy.until(() => proxy.resources.has("Outbound default/reviews:80@default"));
    }
    for (const proxy of [first, second, aside]) proxy.isHoldingAnswers = true;
    const revision = await apply(route("new"));
    await Promise.all([first, second].map((proxy) => proxy.until(() => proxy.commits.includes(revision))));
    let asked = 0;
    const output = new Output({ out: () => {}, err: () => {}, colour: false, flush: async () => {} });
    const counting = new Proxy(api, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name, of);
        if (name === "status") asked++;
        return typeof value === "function" ? value.bind(of) : value;
      },
    });
    let isDone = false;
    const waiting = waitForRevision(counting, revision, 60_000, output).then((isThere) => {
      isDone = true;
      return isThere;
    });
    const askedTwiceMore = async (): Promise<void> => {
      const wanted = asked + 2;
      const isThere = (): boolean => asked >= wanted;
      while (!isThere()) await Bun.sleep(5);
    };
    await askedTwiceMore();
    first.acknowledge();
    await askedTwiceMore();
    expect(isDone).toBe(false);
    second.acknowledge();
    expect(await waiting).toBe(true);
    expect(aside.commits).not.toContain(revision);
  }, 60_000);

  test("moves a route: the new cluster comes before what refers to it, the old one goes after, in one commit", async () => {
    const proxy = await connect("default/a");
    proxy.subscribe("Outbound", "default/reviews:80@default");
    await proxy.until(() => proxy.resources.has("Cluster default/old:80"));
    proxy.lines.length = 0;
    const revision = await apply(route("new"));
    await proxy.until(() => proxy.commits.includes(revision));
    expect(proxy.lines).toEqual([
      "+Cluster default/new:80",
      "+Outbound default/reviews:80@default",
      "-Cluster default/old:80",
      "Commit",
    ]);
  }, 60_000);

  test("takes a listener away: the Gateway without it comes before its certificate and its cluster go, in one commit", async () => {
    const account = "edge";
    await apply(
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account } },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "pair" },
        type: "kubernetes.io/tls",
        data: { "tls.crt": btoa(shopPair.certificate), "tls.key": btoa(shopPair.key) },
      },
      {
        apiVersion: "weft.dev/v1alpha1",
        kind: "MeshConfig",
        metadata: { name: "mesh" },
        spec: { gatewayServiceAccounts: [`default/${account}`] },
      },
      gateway("plain", "secure"),
      route("new", { name: "edge", sectionName: "secure" }),
    );
    const proxy = await connect("default/edge-1", "gateway", account);
    proxy.subscribe("Gateway", "*");
    await proxy.until(() => proxy.resources.has("Certificate default/pair"));
    await proxy.until(() => proxy.resources.has("Cluster default/new:80"));
    proxy.lines.length = 0;
    const revision = await apply(gateway("plain"));
    await proxy.until(() => proxy.commits.includes(revision));
    expect(proxy.lines).toEqual([
      "+Gateway default/edge",
      "-Certificate default/pair",
      "-Cluster default/new:80",
      "Commit",
    ]);
  }, 60_000);

  function gateway(...names: readonly string[]): object {
    const listeners = [
      { name: "plain", port: 80, protocol: "HTTP" },
      { name: "secure", port: 443, protocol: "HTTPS", tls: { certificateRefs: [{ name: "pair" }] } },
    ];
    return {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "edge" },
      spec: { gatewayClassName: "weft", listeners: listeners.filter(({ name }) => names.includes(name)) },
    };
  }
});
