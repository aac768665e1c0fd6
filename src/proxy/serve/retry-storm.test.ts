/** Three tiers of three tries each above one that is dead, through real proxies: how much more is asked than users ask. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import {
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  Health,
  InboundSchema,
  OutboundSchema,
  Protocol,
  Tunnel,
} from "../../model/index.ts";
import { freePort, scrape } from "../testing/eventually.ts";
import { rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import type { RunningProxy } from "../running-proxy.ts";

interface Tier {
  readonly proxy: RunningProxy;
  /** Of its application, and what that has got. */
  readonly seen: { count: number };
}

/** A sidecar for an application on `port`, which calls `next` through its own `outboundPort`. */
async function sidecar(
  mesh: TestMesh,
  name: string,
  app: {
    readonly port: number | undefined;
    readonly outboundPort: number | undefined;
    readonly next: Endpoint[];
  },
): Promise<RunningProxy> {
  const clusterKey = app.next[0]?.cluster ?? "";
  const service = clusterKey.slice("default/".length, -":80".length);
  const inbound = create(InboundSchema, {
    workload: `default/${name}`,
    identity: mesh.authority.identity("echo"),
    ports: app.port === undefined ? [] : [{ port: app.port, protocol: Protocol.HTTP, services: [] }],
  });
  const agent = mesh.agent("echo", {
    mesh: mesh.mesh,
    inbound,
    addresses: ["127.0.0.1"],
    endpoints: app.next,
    outbounds:
      service === ""
        ? []
        : [
            create(OutboundSchema, {
              namespace: "default",
              service,
              port: 80,
              clientNamespace: "default",
              protocol: Protocol.HTTP,
              defaultCluster: clusterKey,
            }),
          ],
    clusters:
      service === ""
        ? []
        : [
            create(ClusterSchema, {
              namespace: "default",
              service,
              port: 80,
              connectTimeoutMs: 1_000,
              // A slow machine sends less in a second, and ten more would be much of it.
              retryBudget: { percent: 20, minPerSecond: 1 },
            }),
          ],
  });
  const capture =
    app.outboundPort === undefined
      ? ({ kind: "none" } as const)
      : ({
          kind: "explicit",
          outbound: [
            { address: "127.0.0.1", port: app.outboundPort, service: `default/${service}`, servicePort: 80 },
          ],
        } as const);
  return mesh.run({ ...mesh.bootstrap(name, "echo"), capture }, agent);
}

function endpointOf(mesh: TestMesh, service: string, port: number, proxy: RunningProxy): Endpoint {
  return create(EndpointSchema, {
    cluster: `default/${service}:80`,
    workload: `default/${service}`,
    address: "127.0.0.1",
    port,
    identity: mesh.authority.identity("echo"),
    tunnel: Tunnel.WEFT,
    tunnelAddress: "127.0.0.1",
    tunnelPort: proxy.bound.tunnel?.port ?? 0,
    weight: 1,
    health: Health.HEALTHY,
  });
}

/** An application that asks what stands behind it and fails when that fails. */
async function tier(mesh: TestMesh, name: string, next: Endpoint[]): Promise<Tier & { endpoint: Endpoint }> {
  const seen = { count: 0 };
  const outboundPort = freePort();
  const app = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch() {
      seen.count++;
      const answer = await fetch(`http://127.0.0.1:${outboundPort}/`);
      await answer.arrayBuffer();
      return new Response("", { status: answer.ok ? 200 : 503 });
    },
  });
  const port = app.port ?? 0;
  const proxy = await sidecar(mesh, name, { port, outboundPort, next });
  return { proxy, seen, endpoint: endpointOf(mesh, name, port, proxy) };
}

const requests = 400;
const atOnce = 8;

async function load(port: number): Promise<number> {
  let failed = 0;
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < requests) {
      sent++;
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      await answer.arrayBuffer();
      if (answer.status === 503 || answer.status === 502) failed++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failed;
}

test.each(["answers 503", "resets", "is not there"])(
  "a bottom tier that %s is asked at most 1.25 times",
  async (how) => {
    await using mesh = new TestMesh();
    let asked = 0;
    const dead = rawServer((peer) => {
      asked++;
      peer.received = "";
      if (how === "resets") peer.socket.terminate();
      else peer.socket.write("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    });
    const port = how === "is not there" ? freePort() : dead.port;
    const bottom = await sidecar(mesh, "bottom", { port, outboundPort: undefined, next: [] });
    const third = await tier(mesh, "third", [endpointOf(mesh, "bottom", port, bottom)]);
    const second = await tier(mesh, "second", [third.endpoint]);
    const outboundPort = freePort();
    const edge = await sidecar(mesh, "edge", { port: undefined, outboundPort, next: [second.endpoint] });
    expect(await load(outboundPort)).toBe(requests);
    expect(second.seen.count / requests).toBeLessThanOrEqual(1.25);
    expect(third.seen.count / requests).toBeLessThanOrEqual(1.25);
    expect(asked / requests).toBeLessThanOrEqual(1.25);
    if (how !== "is not there") expect(asked).toBeGreaterThanOrEqual(requests);
    // Those above did not even want a budget: they were told.
    expect(await scrape(edge)).toContain('weft_retries_withheld_total{cause="callee"}');
    dead.stop();
  },
  60_000,
);
