/** Two weft sidecars on loopback with a real control plane: mTLS, identity checks, metrics and telemetry on. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "../../src/client/index.ts";
import type { ProxyBootstrap } from "../../src/proxy/index.ts";
import { type Bench, freePort, listening, loadCore, proxyCore } from "../processes.ts";
import type { Peer, RunningPeer } from "./peer.ts";

const weft = join(import.meta.dir, "../../bin/weft");
const serverAddress = "127.77.0.2";
const clientAddress = "127.77.0.1";

export const weftPair: Peer = { name: "weft", missing: () => undefined, start: startPair };

async function startPair(bench: Bench, upstreamPort: number): Promise<RunningPeer> {
  const [apiPort, adsPort, outboundPort] = [freePort(), freePort(), freePort()];
  const dataDir = join(bench.directory, "control");
  const doors = ["--api", `127.0.0.1:${apiPort}`, "--ads", `127.0.0.1:${adsPort}`];
  bench.start(loadCore, [weft, "control", "--data-dir", dataDir, ...doors]);
  await listening(apiPort);
  await listening(adsPort);
  const client = new ApiClient({
    server: `http://127.0.0.1:${apiPort}`,
    token: readFileSync(join(dataDir, "token"), "utf8").trim(),
  });
  await client.transact({
    message: "bench",
    objects: [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "echo", namespace: "default" },
        spec: {
          selector: { app: "echo" },
          ports: [{ port: 80, targetPort: upstreamPort, appProtocol: "http" }],
        },
      },
      // One line for each request would measure the disk.
      {
        apiVersion: "weft.dev/v1alpha1",
        kind: "MeshConfig",
        metadata: { name: "mesh" },
        spec: { accessLog: false },
      },
    ],
  });
  const startProxy = async (
    name: string,
    parts: Partial<ProxyBootstrap>,
    ports: number[],
  ): Promise<number> => {
    const tokenFile = join(bench.directory, `${name}.token`);
    const file = join(bench.directory, `${name}.json`);
    const token = await client.createJoinToken({ namespace: "default", serviceAccount: "default" });
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const address = name === "echo" ? serverAddress : clientAddress;
    const bootstrap: ProxyBootstrap = {
      role: "sidecar",
      workload: {
        namespace: "default",
        name,
        serviceAccount: "default",
        labels: { app: name },
        addresses: [address],
        ports: ports.map((port) => ({ port, name: "http", protocol: "http" })),
        region: "",
        zone: "",
      },
      controlPlane: {
        address: "127.0.0.1",
        port: adsPort,
        trustRootsPem: readFileSync(join(dataDir, "root.pem"), "utf8"),
      },
      joinTokenFile: tokenFile,
      dataDir: join(bench.directory, name),
      capture: { kind: "explicit", outbound: [] },
      tunnel: { address, port: 15008 },
      application: { address: "127.0.0.1" },
      admin: { address, port: 15020 },
      health: { address, port: 15021 },
      dnsUpstreams: [],
      logFormat: "text",
      logLevel: "warn",
      ...parts,
    };
    writeFileSync(file, JSON.stringify(bootstrap), { mode: 0o600 });
    return bench.start(proxyCore, [weft, "proxy", "--bootstrap", file]).pid;
  };
  const outbound = [{ address: "127.0.0.1", port: outboundPort, service: "default/echo", servicePort: 80 }];
  const pids = [
    await startProxy("echo", {}, [upstreamPort]),
    await startProxy("caller", { capture: { kind: "explicit", outbound } }, []),
  ];
  await listening(outboundPort);
  const url = `http://127.0.0.1:${outboundPort}/`;
  await answering(url);
  const version: unknown = JSON.parse(
    readFileSync(join(import.meta.dir, "../../package.json"), "utf8"),
  ).version;
  return { version: String(version), url, pids };
}

/** Both sidecars know each other once the first request comes through. */
async function answering(url: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  let last = "";
  while (Date.now() < deadline) {
    const response = await fetch(url).catch((error: unknown) => String(error));
    if (typeof response !== "string" && response.ok) return;
    last = typeof response === "string" ? response : `${response.status} ${await response.text()}`;
    await Bun.sleep(100);
  }
  throw new Error(`the pair did not answer: ${last}`);
}
