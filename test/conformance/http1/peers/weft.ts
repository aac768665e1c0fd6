/** weft's gateway in this process, one for each upstream, which it dials in plaintext. */
import { create } from "@bufbuild/protobuf";
import { EndpointSchema, GatewaySchema, Health, Protocol, Tunnel } from "../../../../src/model/index.ts";
import { freePort } from "../../../../src/proxy/testing/eventually.ts";
import { TestMesh } from "../../../../src/proxy/testing/test-mesh.ts";
import manifest from "../../../../package.json" with { type: "json" };
import type { Peer, RunningPeer } from "./peer.ts";

const cluster = "default/echo:80";

export const weft: Peer = {
  name: "weft",
  missing: () => undefined,
  async start(upstreamPorts): Promise<RunningPeer> {
    const mesh = new TestMesh();
    const ports: number[] = [];
    for (const port of upstreamPorts) ports.push(await startWeft(mesh, port));
    return { version: manifest.version, ports, stop: () => mesh[Symbol.asyncDispose]() };
  },
};

async function startWeft(mesh: TestMesh, upstreamPort: number): Promise<number> {
  const port = freePort();
  const endpoint = create(EndpointSchema, {
    cluster,
    workload: "default/echo-1",
    address: "127.0.0.1",
    port: upstreamPort,
    tunnel: Tunnel.NONE,
    weight: 1,
    health: Health.HEALTHY,
    version: "1",
  });
  const gateway = create(GatewaySchema, {
    source: { kind: "Gateway", namespace: "default", name: "edge" },
    listeners: [
      {
        name: "http",
        port,
        protocol: Protocol.HTTP,
        virtualHosts: [
          {
            hostname: "*",
            http: { entries: [{ match: {}, rule: 0 }], rules: [{ backends: [{ cluster, weight: 1 }] }] },
          },
        ],
      },
    ],
  });
  const agent = mesh.agent("edge", { ...mesh.clientConfiguration([endpoint]), gateways: [gateway] });
  const gatewayPlace = { kind: "tcp", address: "127.0.0.1" } as const;
  await mesh.run({ ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: gatewayPlace }, agent);
  return port;
}
