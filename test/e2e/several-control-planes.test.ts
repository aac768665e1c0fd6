/** Several whole control planes over one etcd, in this process: what one knows or does, the others know; and one dies. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { decodeMessage, type MeshStatus, meshStatusSchema } from "../../src/api/index.ts";
import type { GrpcClient } from "../../src/grpc/index.ts";
import { silentLog, WeftError } from "../../src/kernel/index.ts";
import { Workloads } from "../../src/wire/index.ts";
import { type EtcdCluster, findEtcd, startEtcd } from "../../src/store/etcd/testing/etcd-server.ts";
import { TcpLink } from "../../src/store/etcd/testing/tcp-link.ts";
import { type RunningControl, startControl } from "../../src/control/index.ts";
import { clientOf, join, TestProxy } from "../../src/control/test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
const timeoutMs = 60_000;

async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 25_000,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await Bun.sleep(20);
  }
}

const serviceAccount = (name: string) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
const service = (name: string, port = 80) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port, name: "http" }] },
});

if (findEtcd() === undefined) {
  test.skip("several control planes (needs etcd: node scripts/fetch-etcd.mjs)", () => {});
} else {
  describe("several control planes", () => {
    const directory = mkdtempSync(joinPath(tmpdir(), "weft-replicas-"));
    const keyFile = joinPath(directory, "store-key");
    let etcd: EtcdCluster;
    let meshes = 0;
    beforeAll(async () => {
      writeFileSync(keyFile, randomBytes(32).toString("base64"), { mode: 0o600 });
      etcd = await startEtcd();
    });
    afterAll(async () => {
      await etcd[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    });

    class Scene implements AsyncDisposable {
      readonly mesh = `mesh-${meshes++}`;
      readonly controls: RunningControl[] = [];
      readonly clients: GrpcClient[] = [];

      async control(name: string, port = etcd.members[0]?.port ?? 0): Promise<RunningControl> {
        const control = await startControl({
          dataDir: joinPath(directory, `${this.mesh}-${name}`),
          ...{ api: loopback, ads: loopback, log: silentLog, version: "test" },
          sharedStore: { url: `etcd://127.0.0.1:${port}/${this.mesh}`, keyFile, leaseSeconds: 2 },
        });
        this.controls.push(control);
        return control;
      }

      proxy(control: RunningControl, id: string, identity: Parameters<typeof clientOf>[1]): TestProxy {
        const client = clientOf(control, identity);
        this.clients.push(client);
        return new TestProxy(client, id);
      }

      async [Symbol.asyncDispose](): Promise<void> {
        for (const client of this.clients) client.close();
        for (const control of this.controls) await control.drain();
      }
    }

    async function api(control: RunningControl, path: string, body?: unknown): Promise<unknown> {
      const token = readFileSync(control.tokenFile, "utf8").trim();
      const response = await fetch(`${control.apiUrl}${path}`, {
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.json();
      if (!response.ok) throw new Error(JSON.stringify(answer));
      return answer;
    }

    async function apply(control: RunningControl, ...objects: object[]): Promise<number> {
      const answer = await api(control, "/apis/weft.dev/v1alpha1/transactions", { message: "test", objects });
      return Number(new Map<string, unknown>(Object.entries(answer ?? {})).get("revision"));
    }

    async function status(control: RunningControl): Promise<MeshStatus> {
      const decoded = decodeMessage(
        meshStatusSchema,
        await api(control, "/apis/weft.dev/v1alpha1/status"),
        "response",
      );
      if (!("object" in decoded)) throw new Error(JSON.stringify(decoded.issues));
      return decoded.object;
    }

    async function joinToken(control: RunningControl, account: string): Promise<string> {
      const path = `/api/v1/namespaces/default/serviceaccounts/${account}/token`;
      const text = JSON.stringify(
        await api(control, path, { spec: { audiences: ["weft-join"], expirationSeconds: 60 } }),
      );
      return /"token":"(?<token>[^"]+)"/.exec(text)?.groups?.["token"] ?? "";
    }

    async function healthOf(control: RunningControl, name: string): Promise<string> {
      const path = `/apis/weft.dev/v1alpha1/namespaces/default/meshworkloads/${name}`;
      return (
        /"health":"(?<health>\w+)"/.exec(JSON.stringify(await api(control, path)))?.groups?.["health"] ?? ""
      );
    }

    test(
      "share configuration, CA, token, join tokens and presence; a proxy goes from one to the other",
      async () => {
        await using scene = new Scene();
        const a = await scene.control("a");
        const b = await scene.control("b");
        expect(b.trustDomain).toBe(a.trustDomain);
        expect(b.trustRootsPem).toBe(a.trustRootsPem);
        expect(readFileSync(b.tokenFile, "utf8")).toBe(readFileSync(a.tokenFile, "utf8"));

        await apply(a, serviceAccount("web"), service("reviews"));
        // A token of one is taken by the other, once in the whole mesh.
        const token = await joinToken(a, "web");
        const web = await join(b, "default/web-1", token);
        const again = await join(a, "default/web-1", token).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(again).toBeInstanceOf(WeftError);

        const first = scene.proxy(a, "default/web-1", web);
        first.subscribe("Outbound", "default/reviews:80@default");
        await first.until(() => first.resources.has("Outbound default/reviews:80@default"));
        const registration = {
          ...{ namespace: "default", name: "web-1", serviceAccount: "web", labels: { app: "web" } },
          ...{ addresses: ["10.77.0.2"], tunnelAddress: "10.77.0.2", tunnelPort: 15_008 },
        };
        await scene.clients[0]?.unary(Workloads.method.register, registration);
        await until("b shows a's proxy as connected", async () =>
          (await status(b)).proxies.some(({ id, connected }) => id === "default/web-1" && connected),
        );
        const replicas = (await status(b)).replicas ?? [];
        expect(replicas).toHaveLength(2);
        expect(replicas.filter(({ leading }) => leading)).toHaveLength(1);

        // What one commits, the other serves.
        const revision = await apply(b, service("ratings"));
        first.subscribe("Outbound", "default/ratings:80@default");
        await first.until(() => first.resources.has("Outbound default/ratings:80@default"));
        await until("the revision is seen at the other", async () =>
          (await status(b)).proxies.every((proxy) => !proxy.connected || proxy.revision >= revision),
        );

        // One dies without a word: the other serves the same configuration, and the workload is not lost meanwhile.
        const second = scene.proxy(b, "default/web-1", web);
        second.subscribe("Outbound", "default/reviews:80@default", "default/ratings:80@default");
        await second.until(() => second.resources.has("Outbound default/ratings:80@default"));
        for (const key of ["default/reviews:80@default", "default/ratings:80@default"])
          expect(second.resources.get(`Outbound ${key}`)).toEqual(first.resources.get(`Outbound ${key}`));
        await scene.controls.shift()?.drain();
        await until("b leads", async () => (await status(b)).replicas?.[0]?.leading === true);
        expect((await status(b)).replicas).toHaveLength(1);
        expect(await healthOf(b, "web-1")).toBe("Healthy");
        await apply(b, service("alone"));
      },
      timeoutMs,
    );

    const route = (value: string) => ({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "reviews", namespace: "default" },
      spec: {
        parentRefs: [{ group: "", kind: "Service", name: "reviews" }],
        rules: [
          {
            filters: [
              { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-a", value }] } },
            ],
            backendRefs: [{ name: "reviews", port: 80 }],
          },
        ],
      },
    });

    test(
      "try out a configuration together, wherever it is begun; what a proxy refuses is known at all of them",
      async () => {
        await using scene = new Scene();
        const controls = [await scene.control("a"), await scene.control("b")] as const;
        const [a, b] = controls;
        await apply(a, serviceAccount("web"), service("reviews"), route("base"));
        const web = await join(a, "default/web-1", await joinToken(a, "web"));
        const key = "Outbound default/reviews:80@default";
        // The leader has none of the proxies.
        await until(
          "somebody leads",
          async () => (await status(a)).replicas?.some(({ leading }) => leading) === true,
        );
        const follower = (await status(a)).replicas?.[0]?.leading === true ? b : a;
        const proxies = ["default/web-1", "default/web-2"].map((id) => scene.proxy(follower, id, web));
        for (const proxy of proxies) {
          proxy.subscribe("Outbound", "default/reviews:80@default");
          await proxy.until(() => proxy.resources.has(key));
        }
        const having = (value: string): number =>
          proxies.filter(({ resources }) =>
            Buffer.from(resources.get(key) ?? [])
              .toString("latin1")
              .includes(value),
          ).length;
        const rollouts = "/apis/weft.dev/v1alpha1/rollouts";
        await until("both are there", async () => (await status(a)).replicas?.length === 2);
        await api(follower, rollouts, { objects: [route("tried")], steps: [50], watchSeconds: 600 });
        await until("half of them have it", () => having("tried") === 1);
        for (const control of controls) {
          await until("all know of it", async () =>
            /"phase":"Watching".*"proxies":1[,}]/.test(JSON.stringify(await api(control, rollouts))),
          );
        }
        const other = follower === a ? b : a;
        await api(other, `${rollouts}/canary-1/promote`, {});
        await until("all have it", () => having("tried") === 2);

        for (const proxy of proxies) proxy.refuses.set(key, "an older build");
        const revision = await apply(other, route("next"));
        await until("the other one shows what is refused", async () =>
          (await status(other)).proxies.every(
            ({ answered = 0, rejections = [] }) =>
              answered >= revision && rejections[0]?.objects?.[0] === "HTTPRoute default/reviews",
          ),
        );
        const path = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/reviews";
        await until("the route says so", async () =>
          JSON.stringify(await api(other, path)).includes("proxy default/web-1 and 1 more refuse"),
        );
      },
      timeoutMs,
    );

    test(
      "a revocation at one ends the proxy's connection at the other, and is kept over a restart",
      async () => {
        await using scene = new Scene();
        const a = await scene.control("a");
        const b = await scene.control("b");
        await apply(a, serviceAccount("web"));
        const web = await join(a, "default/web-1", await joinToken(a, "web"));
        const proxy = scene.proxy(a, "default/web-1", web);
        await proxy.until(() => proxy.commits.length > 0);
        await until("b knows the certificate", async () =>
          JSON.stringify(await api(b, "/apis/weft.dev/v1alpha1/certificates")).includes("default/web-1"),
        );
        await api(b, "/apis/weft.dev/v1alpha1/revocations", {
          action: "revoke",
          name: "default/web-1",
          reason: "test",
        });
        await proxy.until(() => proxy.closed !== undefined);
        const c = await scene.control("c");
        const list = JSON.stringify(await api(c, "/apis/weft.dev/v1alpha1/certificates"));
        expect(list).toContain('"reason":"test"');
      },
      timeoutMs,
    );

    test(
      "a change of the root begun at one is driven to its end for all",
      async () => {
        await using scene = new Scene();
        const a = await scene.control("a");
        const b = await scene.control("b");
        const before = a.trustRootsPem;
        await until(
          "somebody leads",
          async () => (await status(a)).replicas?.some(({ leading }) => leading) === true,
        );
        await api(b, "/apis/weft.dev/v1alpha1/root-rotation", { action: "start" });
        await until("both have another root, and one alone", () => {
          const roots = [a.trustRootsPem, b.trustRootsPem];
          return roots.every((pem) => pem !== before && pem.split("BEGIN CERTIFICATE").length === 2);
        });
        expect(a.trustRootsPem).toBe(b.trustRootsPem);
      },
      timeoutMs,
    );

    test(
      "addresses are given once, though both give them at the same time",
      async () => {
        await using scene = new Scene();
        const a = await scene.control("a");
        const b = await scene.control("b");
        await Promise.all(
          Array.from(
            { length: 30 },
            async (_, index) => await apply(index % 2 === 0 ? a : b, service(`s${index}`)),
          ),
        );
        const text = JSON.stringify(await api(a, "/api/v1/namespaces/default/services"));
        const addresses = [...text.matchAll(/"clusterIP":"(?<ip>[^"]+)"/g)].map(
          (match) => match.groups?.["ip"],
        );
        expect(addresses).toHaveLength(30);
        expect(new Set(addresses).size).toBe(30);
      },
      timeoutMs,
    );

    test(
      "one that is cut off from etcd refuses writes, serves on, sends its proxies away, and comes back",
      async () => {
        await using scene = new Scene();
        using link = new TcpLink(etcd.members[0]?.port ?? 0);
        const a = await scene.control("a");
        const b = await scene.control("b", link.port);
        await apply(a, serviceAccount("web"), service("reviews"));
        const web = await join(b, "default/web-1", await joinToken(a, "web"));
        const proxy = scene.proxy(b, "default/web-1", web);
        await proxy.until(() => proxy.commits.length > 0);
        await until("a knows of it", async () =>
          (await status(a)).proxies.some(({ connected }) => connected),
        );
        link.state = "cut";
        await proxy.until(() => proxy.closed !== undefined);
        const refusal = await apply(b, service("late")).then(
          () => "",
          (error: unknown) => String(error),
        );
        expect(refusal).toContain("nothing was written");
        expect(JSON.stringify(await api(b, "/api/v1/namespaces/default/services/reviews"))).toContain(
          "reviews",
        );
        await until("its word is gone", async () => (await status(a)).replicas?.length === 1);
        const revision = await apply(a, service("meanwhile"));
        // A proxy that has seen more than this replica is not answered with less.
        const ahead = new TestProxy(clientOf(b, web), "default/web-1", "sidecar", revision);
        await ahead.until(() => ahead.closed !== undefined);
        expect(ahead.closed).toBe("unavailable");
        link.state = "whole";
        await until(
          "it is back, with everything",
          async () => (await status(b)).compiledRevision === revision,
        );
        await until("both know of each other", async () => (await status(a)).replicas?.length === 2);
        await apply(b, service("late"));
      },
      timeoutMs,
    );

    test(
      "another key is refused at the start, and so is none",
      async () => {
        await using scene = new Scene();
        await scene.control("a");
        const otherKey = joinPath(directory, "other-key");
        writeFileSync(otherKey, randomBytes(32).toString("base64"), { mode: 0o600 });
        const starting = startControl({
          dataDir: joinPath(directory, "other"),
          ...{ api: loopback, ads: loopback, log: silentLog },
          sharedStore: { url: `${etcd.url}/${scene.mesh}`, keyFile: otherKey },
        });
        await expect(starting).rejects.toThrow("cannot be opened with this key");
      },
      timeoutMs,
    );
  });
}
