/**
 * Real proxies that know two control planes: the one that they are at is killed, they go to the other and follow it, and back again.
 * No request fails meanwhile.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../../src/client/index.ts";
import { type EtcdCluster, findEtcd, startEtcd } from "../../src/store/etcd/testing/etcd-server.ts";
import { BareMesh, type BareProxy, unusedPort } from "./harness/bare-mesh.ts";
import { type Running, spawnProcess } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import { weftProgram } from "./harness/mesh.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { httpPort } from "./harness/resources.ts";

const timeoutMs = 120_000;
const readyTimeoutMs = 60_000;
/** Until a proxy has given the dead one up, has come to the other and has what it was told there. */
const followTimeoutMs = 30_000;
const outboundPort = unusedPort();

/** What a second control plane is started with, and again after it was killed. */
interface ControlPlace {
  readonly dataDir: string;
  readonly apiPort: number;
  readonly adsPort: number;
}

if (findEtcd() === undefined) {
  test.skip("failover between control planes (needs etcd: node scripts/fetch-etcd.mjs)", () => {});
} else {
  describe("proxies that know two control planes", () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-failover-"));
    const second: ControlPlace = {
      ...{ dataDir: join(folder, "second"), apiPort: unusedPort(), adsPort: unusedPort() },
    };
    const running: Running[] = [];
    let etcd: EtcdCluster;
    let store: readonly string[];
    let web: Bun.Server<undefined>;
    let mesh: BareMesh;

    beforeAll(async () => {
      etcd = await startEtcd();
      const keyFile = join(folder, "store-key");
      writeFileSync(keyFile, Buffer.alloc(32, 7).toString("base64"), { mode: 0o600 });
      store = ["--store", `${etcd.url}/failover`, "--store-key-file", keyFile];
      web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
      mesh = await BareMesh.start([service()], undefined, store);
    }, timeoutMs);

    afterAll(async () => {
      await mesh[Symbol.asyncDispose]();
      for (const each of running) {
        each.kill("SIGTERM");
        await each.within(readyTimeoutMs);
      }
      await web.stop(true);
      await etcd[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    }, timeoutMs);

    function service(): object {
      return {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web", namespace: "default" },
        spec: {
          selector: { app: "server" },
          ports: [{ port: httpPort, targetPort: web.port ?? 0, appProtocol: "http" }],
        },
      };
    }

    /** `/asked` is sent on to where the newest of them says. */
    const route = (to: string): object => ({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "web", namespace: "default" },
      spec: {
        parentRefs: [{ group: "", kind: "Service", name: "web", port: httpPort }],
        rules: [
          {
            matches: [{ path: { value: "/asked" } }],
            filters: [
              {
                type: "RequestRedirect",
                requestRedirect: { path: { type: "ReplaceFullPath", replaceFullPath: to } },
              },
            ],
          },
          { backendRefs: [{ name: "web", port: httpPort }] },
        ],
      },
    });

    async function startControl({ dataDir, apiPort, adsPort }: ControlPlace): Promise<Running> {
      const places = ["--api", `127.0.0.1:${apiPort}`, "--ads", `127.0.0.1:${adsPort}`];
      const argv = ["control", "--data-dir", dataDir, ...store, ...places, "--log-format", "json"];
      const control = spawnProcess([weftProgram, ...argv], { cwd: folder, env: process.env });
      running.push(control);
      await control.untilLine(
        "stderr",
        readyTimeoutMs,
        (line) => line.includes('"event":"ready"') || undefined,
      );
      return control;
    }

    /** The first one, to be started again where it was. */
    function firstPlace(): ControlPlace {
      const apiPort = Number(new URL(mesh.access.server).port);
      return { dataDir: join(mesh.directory, "control"), apiPort, adsPort: mesh.adsPort };
    }

    function clientOf({ dataDir, apiPort }: ControlPlace): ApiClient {
      const token = readFileSync(join(dataDir, "token"), "utf8").trim();
      return new ApiClient({ server: `http://127.0.0.1:${apiPort}`, token });
    }

    async function startProxies(): Promise<BareProxy> {
      const controlPlane = {
        ...{ address: "127.0.0.1", port: mesh.adsPort },
        trustRootsPem: readFileSync(join(mesh.directory, "control", "root.pem"), "utf8"),
        others: [{ address: "127.0.0.1", port: second.adsPort }],
      };
      const workload = {
        ...{ namespace: "default", name: "server", serviceAccount: "default", region: "", zone: "" },
        labels: { app: "server" },
        addresses: [`${mesh.network}.2`],
        ports: [{ port: web.port ?? 0, name: "http", protocol: "" }],
      };
      await mesh.startProxy("server", 2, { controlPlane, workload });
      const place = { address: "127.0.0.1", port: outboundPort };
      const outbound = [{ ...place, service: "default/web", servicePort: httpPort }];
      return await mesh.startProxy("caller", 3, { controlPlane, capture: { kind: "explicit", outbound } });
    }

    async function sentTo(): Promise<string> {
      const response = await fetch(`http://127.0.0.1:${outboundPort}/asked`, { redirect: "manual" });
      await response.arrayBuffer();
      return response.headers.get("location") ?? "";
    }

    /** Writes there, and waits until the caller does as it says. */
    async function leads(place: ControlPlace, to: string): Promise<void> {
      await eventually(
        () => clientOf(place).transact({ message: "test", objects: [route(to)] }),
        followTimeoutMs,
      );
      await eventually(async () => expect(await sentTo()).toEndWith(to), followTimeoutMs);
    }

    test(
      "go to the other when theirs is killed, and back, and no request fails",
      async () => {
        // There is no second one yet, so they are at the first.
        const caller = await startProxies();
        await leads(firstPlace(), "/first");
        const other = await startControl(second);
        const load = OpenLoopLoad.start({
          url: `http://127.0.0.1:${outboundPort}/`,
          requestsPerSecond: 40,
        });

        mesh.control.kill("SIGKILL");
        await mesh.control.finished;
        await leads(second, "/second");

        await startControl(firstPlace());
        other.kill("SIGKILL");
        await other.finished;
        await leads(firstPlace(), "/first-again");

        const samples = await load.stop();
        expect(countOutcomes(samples)).toEqual({ "200": samples.length });
        expect(samples.length).toBeGreaterThan(20);
        const page = await (await fetch(`${caller.adminUrl}/metrics`)).text();
        expect(page).toMatch(/^weft_control_plane_connected(?:\{[^}]*\})? 1$/m);
        await eventually(async () => {
          const { proxies } = await clientOf(firstPlace()).status();
          const connected = proxies.filter((each) => each.connected).map(({ id }) => id);
          expect(connected.toSorted()).toEqual(["default/caller", "default/server"]);
        }, followTimeoutMs);
      },
      timeoutMs,
    );
  });
}
