/** One weft gateway: `weft serve`, configured by files; or, as `weft-control`, a gateway proxy that follows a control plane. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Bench, freePort, proxyCore } from "../processes.ts";
import { weftOthers, weftPolicies } from "../policies.ts";
import { benchRoutes, weftRoutes } from "../routes.ts";
import { fillTemplate } from "../template.ts";
import type { Peer, PeerTask, RunningPeer, Work } from "./peer.ts";
import { commonValues } from "./program-peer.ts";
import { objectsOf, proxyAddress, startControl, weftProgram, weftVersion } from "./weft-control.ts";

const templates: Partial<Record<Work, { readonly file: string; readonly appProtocol: string }>> = {
  http1: { file: "weft/http.yaml", appProtocol: "http" },
  "http1-tls": { file: "weft/https.yaml", appProtocol: "http" },
  http2: { file: "weft/http.yaml", appProtocol: "kubernetes.io/h2c" },
  grpc: { file: "weft/http.yaml", appProtocol: "grpc" },
  tcp: { file: "weft/tcp.yaml", appProtocol: "tcp" },
  routes: { file: "weft/routes.yaml", appProtocol: "http" },
  policies: { file: "weft/http.yaml", appProtocol: "http" },
};

export const weft: Peer = { name: "weft", missing: () => undefined, start: startServe };
export const weftUnderControl: Peer = { name: "weft-control", missing: () => undefined, start: startGateway };

function configuration(task: PeerTask, listenPort: number): string {
  const template = templates[task.work];
  if (template === undefined) throw new Error(`weft has no configuration for ${task.work}`);
  return fillTemplate(template.file, {
    ...commonValues(task),
    listenPort,
    appProtocol: template.appProtocol,
  });
}

async function startServe(bench: Bench, task: PeerTask): Promise<RunningPeer> {
  const listenPort = freePort();
  const home = join(bench.directory, "configuration");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "gateway.yaml"), configuration(task, listenPort));
  const applyRoutes = async (count: number): Promise<void> => {
    // Written elsewhere first: a change is seen whole.
    const file = join(bench.directory, "routes.yaml");
    writeFileSync(
      file,
      weftRoutes(benchRoutes(count))
        .map((route) => stringify(route))
        .join("---\n"),
    );
    renameSync(file, join(home, "routes.yaml"));
  };
  if (task.work === "routes") await applyRoutes(task.routes);
  const process = bench.start(proxyCore, [
    ...[weftProgram, "serve", "--filename", home, "--log-level", "warn"],
    ...["--admin", "127.0.0.1:0", "--health", "127.0.0.1:0"],
  ]);
  const admin = await process.wrote(/^ready .*admin=(\S+)/m);
  await process.listening(listenPort);
  return {
    version: weftVersion(),
    port: listenPort,
    pids: [process.pid],
    metricsUrl: `http://${admin}/metrics`,
    applyRoutes,
  };
}

async function startGateway(bench: Bench, task: PeerTask): Promise<RunningPeer> {
  const listenPort = freePort();
  const control = await startControl(bench);
  const applyRoutes = (count: number): Promise<void> => control.apply(weftRoutes(benchRoutes(count)));
  await control.apply(objectsOf(configuration(task, listenPort)));
  if (task.work === "routes") await applyRoutes(task.routes);
  if (task.work === "policies") {
    await control.apply([...weftOthers(task.upstreamPort), ...weftPolicies(task.policies)]);
  }
  const address = proxyAddress();
  const process = await control.startProxy("gateway", address, {
    role: "gateway",
    gateway: { kind: "tcp", address: "127.0.0.1" },
  });
  await process.listening(listenPort);
  return {
    version: weftVersion(),
    port: listenPort,
    pids: [process.pid],
    metricsUrl: `http://${address}:15020/metrics`,
    applyRoutes,
  };
}
