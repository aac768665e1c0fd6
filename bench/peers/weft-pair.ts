/** Two weft sidecars on loopback with a real control plane: mTLS, identity checks, metrics and telemetry on. */
import { type Bench, freePort } from "../processes.ts";
import { fillTemplate } from "../template.ts";
import type { Peer, PeerTask, RunningPeer } from "./peer.ts";
import { commonValues } from "./program-peer.ts";
import { objectsOf, proxyAddress, startControl, weftVersion, workloadOf } from "./weft-control.ts";

export const weftPair: Peer = { name: "weft", missing: () => undefined, start };

async function start(bench: Bench, task: PeerTask): Promise<RunningPeer> {
  const protocol = task.work === "tcp-mtls-pair" ? "tcp" : "http";
  const port = freePort();
  const control = await startControl(bench);
  const values = { ...commonValues(task), appProtocol: protocol };
  await control.apply(objectsOf(fillTemplate("weft/pair.yaml", values)));
  const [serverAddress, clientAddress] = [proxyAddress(), proxyAddress()];
  const server = await control.startProxy("echo", serverAddress, {
    workload: {
      ...workloadOf("echo", serverAddress),
      ports: [{ port: task.upstreamPort, name: "main", protocol }],
    },
  });
  const client = await control.startProxy("caller", clientAddress, {
    capture: {
      kind: "explicit",
      outbound: [{ address: "127.0.0.1", port, service: "default/echo", servicePort: 80 }],
    },
  });
  await client.listening(port);
  return { version: weftVersion(), port, pids: [server.pid, client.pid] };
}
