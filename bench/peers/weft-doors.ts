/**
 * One gateway with several doors, each a listener and a route of its own: what else differs between two doors is what is measured.
 * Two processes of the same program differ by more than that: by what their compilers made of it, and where it came to lie.
 */
import { type Bench, freePort } from "../processes.ts";
import type { Peer, PeerTask, RunningPeer } from "./peer.ts";
import { proxyAddress, startControl, weftVersion } from "./weft-control.ts";

export interface Door {
  /** Of the peer, as `weft-NAME`. `plain` is what others are held against. */
  readonly name: string;
  /** What is applied for its route, which has the door's name. */
  readonly objects: readonly object[];
}

/** `common`: what is applied for all of them, with a MeshConfig; it may start programs. */
export function weftDoors(
  doors: readonly Door[],
  common: (bench: Bench) => Promise<readonly object[]>,
): Peer[] {
  const gateways = new WeakMap<PeerTask["certificates"], Promise<RunningPeer[]>>();
  const gatewayOf = (bench: Bench, task: PeerTask): Promise<RunningPeer[]> => {
    const started = gateways.get(task.certificates) ?? startGateway(bench, task, doors, common);
    gateways.set(task.certificates, started);
    return started;
  };
  return doors.map(({ name }, index) => ({
    name: `weft-${name}`,
    missing: () => undefined,
    start: async (bench, task) => {
      const running = (await gatewayOf(bench, task))[index];
      if (running === undefined) throw new Error(`there is no door ${name}`);
      return running;
    },
  }));
}

async function startGateway(
  bench: Bench,
  { upstreamPort }: PeerTask,
  doors: readonly Door[],
  common: (bench: Bench) => Promise<readonly object[]>,
): Promise<RunningPeer[]> {
  const listeners = doors.map(({ name }) => ({ name, port: freePort(), protocol: "HTTP" }));
  const control = await startControl(bench);
  await control.apply([
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: metadata("bench"),
      spec: { gatewayClassName: "weft", listeners },
    },
    ...serviceObjects("echo", { name: "main", port: 80, targetPort: upstreamPort }),
    ...doors.map(({ name }) => ({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: metadata(name),
      spec: {
        parentRefs: [{ name: "bench", sectionName: name }],
        rules: [{ backendRefs: [{ name: "echo", port: 80 }] }],
      },
    })),
    ...(await common(bench)),
    ...doors.flatMap(({ objects }) => objects),
  ]);
  const process = await control.startProxy("gateway", proxyAddress(), {
    role: "gateway",
    gateway: { kind: "tcp", address: "127.0.0.1" },
  });
  for (const { port } of listeners) await process.listening(port);
  await control.settled();
  return listeners.map(({ port }) => ({ version: weftVersion(), port, pids: [process.pid] }));
}

export function meshConfig(telemetry: object): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "mesh" },
    spec: { accessLog: false, gatewayServiceAccounts: ["default/default"], telemetry },
  };
}

/** A Service of one endpoint on 127.0.0.1. */
export function serviceObjects(
  name: string,
  {
    name: portName,
    port,
    targetPort,
  }: { readonly name: string; readonly port: number; readonly targetPort: number },
): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata(name),
      spec: { ports: [{ name: portName, port, appProtocol: "http" }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata(name), labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: portName, port: targetPort }],
      endpoints: [{ addresses: ["127.0.0.1"] }],
    },
  ];
}

function metadata(name: string): object {
  return { name, namespace: "default" };
}
