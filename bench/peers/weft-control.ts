/** A control plane with its resources, and proxies that follow it: each on the core where it belongs. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { ApiClient } from "../../src/client/index.ts";
import type { ProxyBootstrap } from "../../src/proxy/index.ts";
import { type Bench, type BenchProcess, type Cores, freePort, loadCore, proxyCore } from "../processes.ts";

export const weftProgram = join(import.meta.dir, "../../bin/weft");

export function weftVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest ? String(manifest.version) : "unknown";
}

/** Of every proxy, at its own address. */
export const adminPort = 15020;

/** Of every proxy of the bench; the mesh's configuration lets it serve gateways. */
const serviceAccount = "default";

export interface WeftControl {
  apply(objects: readonly unknown[]): Promise<void>;
  /** Resolves when all proxies have what was applied. */
  settled(): Promise<void>;
  /** Resolves when the process runs; it need not be ready. */
  startProxy(name: string, address: string, parts: Partial<ProxyBootstrap>): Promise<BenchProcess>;
}

const askEveryMs = 50;
const maxAsked = 200;

/**
 * The control plane runs on the load's core, as it would run on another machine: its cost is not the proxy's. `cores`: where
 * both run instead.
 */
export async function startControl(bench: Bench, cores?: Cores): Promise<WeftControl> {
  const [apiPort, adsPort] = [freePort(), freePort()];
  const dataDir = join(bench.directory, "control");
  const doors = ["--api", `127.0.0.1:${apiPort}`, "--ads", `127.0.0.1:${adsPort}`];
  const control = bench.start(cores ?? loadCore, [weftProgram, "control", "--data-dir", dataDir, ...doors]);
  await control.listening(apiPort);
  await control.listening(adsPort);
  const client = new ApiClient({
    server: `http://127.0.0.1:${apiPort}`,
    token: readFileSync(join(dataDir, "token"), "utf8").trim(),
  });
  return {
    apply: async (objects) => {
      await client.transact({ message: "bench", objects: [...objects] });
    },
    settled: async () => {
      for (let asked = 0; asked < maxAsked; asked++) {
        const { proxies, revision } = await client.status();
        if (proxies.every((proxy) => proxy.revision >= revision)) return;
        await Bun.sleep(askEveryMs);
      }
      throw new Error("a proxy has not taken its configuration within 10 s");
    },
    startProxy: async (name, address, parts) => {
      const home = join(bench.directory, name);
      mkdirSync(home, { recursive: true });
      const joinTokenFile = join(home, "token");
      const token = await client.createJoinToken({ namespace: "default", serviceAccount });
      writeFileSync(joinTokenFile, token, { mode: 0o600 });
      const bootstrap: ProxyBootstrap = {
        role: "sidecar",
        workload: workloadOf(name, address),
        controlPlane: {
          address: "127.0.0.1",
          port: adsPort,
          trustRootsPem: readFileSync(join(dataDir, "root.pem"), "utf8"),
        },
        joinTokenFile,
        dataDir: join(home, "data"),
        capture: { kind: "none" },
        tunnel: { address, port: 15008 },
        application: { address: "127.0.0.1" },
        admin: { address, port: adminPort },
        health: { address, port: 15021 },
        dnsUpstreams: [],
        logFormat: "text",
        logLevel: "warn",
        ...parts,
      };
      const file = join(home, "bootstrap.json");
      writeFileSync(file, JSON.stringify(bootstrap), { mode: 0o600 });
      const process = bench.start(cores ?? proxyCore, [weftProgram, "proxy", "--bootstrap", file]);
      await process.listening(bootstrap.health.port, bootstrap.health.address);
      return process;
    },
  };
}

export function workloadOf(name: string, address: string): ProxyBootstrap["workload"] {
  return {
    namespace: "default",
    name,
    serviceAccount,
    labels: { app: name },
    addresses: [address],
    ports: [],
    region: "",
    zone: "",
  };
}

export function objectsOf(yaml: string): unknown[] {
  return parseAllDocuments(yaml)
    .map((document): unknown => document.toJS())
    .filter((object) => object !== null);
}

let nextAddress = 0;

/** A loopback address of its own for each proxy, so that all can have the ports that everybody knows. */
export function proxyAddress(): string {
  return `127.77.${process.pid % 250}.${++nextAddress}`;
}
