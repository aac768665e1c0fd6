/** One weft gateway. */
import { type Bench, freePort } from "../processes.ts";
import { benchRoutes, weftRoutes } from "../routes.ts";
import { fillTemplate } from "../template.ts";
import type { Peer, PeerTask, RunningPeer, Work } from "./peer.ts";
import { commonValues } from "./program-peer.ts";
import { objectsOf, proxyAddress, startControl, weftVersion } from "./weft-control.ts";

const templates: Partial<Record<Work, { readonly file: string; readonly appProtocol: string }>> = {
  http1: { file: "weft/http.yaml", appProtocol: "http" },
  "http1-tls": { file: "weft/https.yaml", appProtocol: "http" },
  http2: { file: "weft/http.yaml", appProtocol: "kubernetes.io/h2c" },
  grpc: { file: "weft/http.yaml", appProtocol: "grpc" },
  tcp: { file: "weft/tcp.yaml", appProtocol: "tcp" },
  routes: { file: "weft/routes.yaml", appProtocol: "http" },
};

export const weft: Peer = { name: "weft", missing: () => undefined, start };

async function start(bench: Bench, task: PeerTask): Promise<RunningPeer> {
  const template = templates[task.work];
  if (template === undefined) throw new Error(`weft has no configuration for ${task.work}`);
  const listenPort = freePort();
  const control = await startControl(bench);
  const values = { ...commonValues(task), listenPort, appProtocol: template.appProtocol };
  const objects = objectsOf(fillTemplate(template.file, values));
  const applyRoutes = (count: number): Promise<void> => control.apply(weftRoutes(benchRoutes(count)));
  await control.apply(objects);
  if (task.work === "routes") await applyRoutes(task.routes);
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
