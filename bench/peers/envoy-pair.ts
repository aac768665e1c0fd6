/** Two Envoys with mTLS 1.3 and a SPIFFE check in both directions between them, default statistics on. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, freePort, proxyCore } from "../processes.ts";
import { fillTemplate } from "../template.ts";
import { envoyCommand, envoyInstall, envoyProgram, envoyVersion } from "./envoy.ts";
import type { Peer, PeerTask, RunningPeer } from "./peer.ts";
import { commonValues, versionOf } from "./program-peer.ts";

type Between = "http1" | "http2";

const protocols = {
  http1: { alpn: "http/1.1", options: "http_protocol_options" },
  http2: { alpn: "h2", options: "http2_protocol_options" },
} as const;

/** What the two speak with each other makes no difference where they relay TCP. */
export function envoyPair(between: Between): Peer {
  return {
    name: between === "http1" ? "envoy" : "envoy-h2",
    missing: () => (envoyProgram() === null ? envoyInstall : undefined),
    start: (bench, task) => startPair(bench, task, between),
  };
}

async function startPair(bench: Bench, task: PeerTask, between: Between): Promise<RunningPeer> {
  const program = envoyProgram();
  if (program === null) throw new Error("envoy is not installed");
  const prefix = task.work === "tcp-mtls-pair" ? "envoy/tcp-pair" : "envoy/pair";
  const [outbound, hop] = [freePort(), freePort()];
  const { alpn, options } = protocols[between];
  const sides = {
    server: { listenPort: hop, upstreamPort: task.upstreamPort, upstreamProtocol: protocols.http1.options },
    client: { listenPort: outbound, upstreamPort: hop, upstreamProtocol: options },
  };
  const start = async (side: "server" | "client"): Promise<number> => {
    const file = join(bench.directory, `${side}.yaml`);
    const values = { ...commonValues(task), alpn, ...sides[side] };
    writeFileSync(file, fillTemplate(`${prefix}-${side}.yaml`, values));
    const process = bench.start(proxyCore, envoyCommand(program, file));
    await process.listening(sides[side].listenPort);
    return process.pid;
  };
  const pids = [await start("server"), await start("client")];
  return { version: versionOf(program, envoyVersion), port: outbound, pids };
}
