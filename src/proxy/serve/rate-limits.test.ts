/** Limits at a workload's port, through two sidecars: what clients are told, what is counted, and a Redis behind the mesh. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Admission,
  AdmissionSchema,
  ClusterSchema,
  InboundSchema,
  Protocol,
  RateLimitScope,
  type RateLimitSchema,
} from "../../model/index.ts";
import { hasRedis, RedisProcess } from "../admission/rate-limit/testing/redis-process.ts";
import { guardedServer } from "../testing/admission-scene.ts";
import { scrape } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

type LimitInit = Omit<MessageInitShape<typeof RateLimitSchema>, "$typeName" | "$unknown">;

function limitsOf({ scope = RateLimitScope.LOCAL, ...limit }: LimitInit): Admission {
  const source = { kind: "RateLimitPolicy", namespace: "default", name: "calm", section: "limits[0]" };
  return create(AdmissionSchema, { rateLimits: [{ ...limit, source, scope, periodMs: 3_600_000 }] });
}

async function statuses(peer: RawClient, count: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    peer.write(get);
    all.push((await peer.response()).status);
  }
  return all;
}

describe("a limit at a workload's port", () => {
  test("answers 429 with the time to wait, and is final: nobody tries again", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await guardedServer(mesh, app.port, { admission: limitsOf({ requests: 3n }) });
    const client = await mesh.client([server.endpoint, { ...server.endpoint, workload: "default/echo-2" }]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    const first = await peer.response();
    expect(first.status).toBe(200);
    expect(first.head).toContain('ratelimit: "limits[0]";r=2;t=1200\r\n');
    expect(first.head).toContain('ratelimit-policy: "limits[0]";q=3;w=3600\r\n');
    expect(await statuses(peer, 3)).toEqual([200, 200, 429]);
    peer.write(get);
    const refused = await peer.response();
    expect(refused.status).toBe(429);
    expect(refused.head).toContain('ratelimit: "limits[0]";r=0;t=3600\r\n');
    expect(refused.head).toMatch(/\r\nretry-after: 1200\r\n/);
    expect(refused.body).not.toContain("calm");
    expect(await scrape(client.proxy)).toContain("weft_upstream_tries_total 5\n");
    expect(await scrape(server.proxy)).toContain(
      'weft_policy_decisions_total{policy="RateLimitPolicy default/calm",rule="limits[0]",verdict="limited"} 2',
    );
    const refusal = server.agent.telemetry?.take()?.refusals[0];
    expect(refusal).toMatchObject({ reason: "rate_limited", policy: "RateLimitPolicy default/calm" });
    app.stop();
  });

  test("counts by the caller's proven identity", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const keys = [{ name: "source_identity", value: { case: "sourceIdentity" as const, value: true } }];
    const other = { values: ["*/sa/nobody"], isUnlimited: true };
    const admission = limitsOf({ requests: 1n, keys, overrides: [other] });
    const server = await guardedServer(mesh, app.port, { admission });
    const peer = await RawClient.connect((await mesh.client([server.endpoint])).port);
    expect(await statuses(peer, 2)).toEqual([200, 429]);
    app.stop();
  });

  test("is RESOURCE_EXHAUSTED to a caller of gRPC", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server((request) =>
      request.answer([[":status", "200"]], "", [["grpc-status", "0"]]),
    );
    const options = { admission: limitsOf({ requests: 0n }), protocol: Protocol.GRPC };
    const server = await guardedServer(mesh, app.port, options);
    const peer = await Http2Client.connect((await mesh.client([server.endpoint])).port);
    const answer = await peer.post("/svc/Call", "x", [["content-type", "application/grpc"]]).ended();
    expect(answer.head?.get("grpc-status")).toBe("8");
    expect(answer.head?.get("retry-after")).toBe("86400");
    expect(app.requests).toHaveLength(0);
    peer.close();
    app.stop();
  });

  test("resets a raw connection that is one too many, before the application is dialled", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => peer.socket.write("pong"));
    const keys = [{ name: "source_address", value: { case: "sourceAddress" as const, value: true } }];
    const options = { admission: limitsOf({ requests: 2n, keys }), protocol: Protocol.TCP };
    const server = await guardedServer(mesh, app.port, options);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
    for (let i = 0; i < 2; i++) {
      const peer = await RawClient.connect(client.port);
      peer.write("ping");
      await peer.until("pong");
    }
    const third = await RawClient.connect(client.port);
    third.write("ping");
    expect(await third.toEnd()).toBe("");
    expect(app.connections).toHaveLength(2);
    app.stop();
  });

  test("tried first refuses nobody and is counted", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const admission = limitsOf({ requests: 1n, dryRun: true });
    const server = await guardedServer(mesh, app.port, { admission });
    const peer = await RawClient.connect((await mesh.client([server.endpoint])).port);
    expect(await statuses(peer, 3)).toEqual([200, 200, 200]);
    expect(await scrape(server.proxy)).toContain('verdict="would_limit"} 2');
    app.stop();
  });
});

test.skipIf(!hasRedis)(
  "two workloads share a limit over a Redis that is reached by mutual TLS through its sidecar",
  async () => {
    await using redis = await RedisProcess.start();
    await using mesh = new TestMesh();
    const store = await mesh.server("redis-1", redis.port, Protocol.TCP);
    const cluster = "default/redis:6379";
    const app = cannedServer(hello);
    const admission = limitsOf({
      requests: 5n,
      scope: RateLimitScope.GLOBAL,
      store: { cluster, timeoutMs: 2_000 },
    });
    const run = async (name: string) => {
      const agent = mesh.agent("echo", {
        mesh: mesh.mesh,
        addresses: ["127.0.0.1"],
        inbound: create(InboundSchema, {
          workload: `default/${name}`,
          identity: mesh.authority.identity("echo"),
          admissions: [admission],
          clusters: [cluster],
          ports: [{ port: app.port, protocol: Protocol.HTTP, services: ["default/echo"], admission: 1 }],
        }),
        clusters: [
          create(ClusterSchema, {
            namespace: "default",
            service: "redis",
            port: 6_379,
            protocol: Protocol.TCP,
            connectTimeoutMs: 2_000,
          }),
        ],
        endpoints: [{ ...store.endpoint, cluster }],
      });
      const proxy = await mesh.run(mesh.bootstrap(name, "echo"), agent);
      return { proxy, endpoint: mesh.endpointOf(name, app.port, proxy) };
    };
    const [one, two] = [await run("echo-1"), await run("echo-2")];
    // Each by a client of its own: a balancer would go on at the one that refuses, which answers sooner.
    const all: number[] = [];
    const clients = [await mesh.client([one.endpoint]), await mesh.client([two.endpoint])];
    const peers = await Promise.all(clients.map(({ port }) => RawClient.connect(port)));
    for (let i = 0; i < 6; i++) for (const peer of peers) all.push(...(await statuses(peer, 1)));
    expect(all.filter((status) => status === 200)).toHaveLength(5);
    expect(all.filter((status) => status === 429)).toHaveLength(7);
    for (const { proxy } of [one, two]) {
      const text = await scrape(proxy);
      expect(text).toMatch(/kind="redis",outcome="ok"\} [1-9]/);
      expect(text).not.toContain("stand_in");
    }
    expect(await redis.command("DBSIZE")).toBe("2");
    app.stop();
  },
);
