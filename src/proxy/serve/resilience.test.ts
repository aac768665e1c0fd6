/** Outliers, health checks and limits of a service through two sidecars, over real sockets. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ClusterSchema, type Endpoint, Protocol } from "../../model/index.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const ok = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const status = (line: string): string => `HTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`;
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

function clientOf(
  mesh: TestMesh,
  endpoints: readonly Endpoint[],
  policy: MessageInitShape<typeof ClusterSchema> = {},
  protocol = Protocol.HTTP,
): ReturnType<TestMesh["client"]> {
  const cluster = create(ClusterSchema, {
    namespace: "default",
    service: "echo",
    port: 80,
    connectTimeoutMs: 1_000,
    ...policy,
  });
  return mesh.client(endpoints, { protocol }, { change: (each) => ({ ...each, clusters: [cluster] }) });
}

interface Figures {
  readonly text: string;
  of(series: string): number;
}

async function figures(proxy: Parameters<typeof scrape>[0]): Promise<Figures> {
  const text = await scrape(proxy);
  return {
    text,
    of: (series) => {
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
  };
}

async function configOf(proxy: Parameters<typeof scrape>[0]): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${proxy.bound.admin.port}/config`);
  return await response.text();
}

async function statuses(port: number, count: number): Promise<number[]> {
  const peer = await RawClient.connect(port);
  const seen: number[] = [];
  for (let i = 0; i < count; i++) {
    peer.write(get);
    seen.push((await peer.response()).status);
  }
  peer.close();
  return seen;
}

describe("outlier detection", () => {
  test("takes an endpoint out that answers 503, counts it and shows it", async () => {
    await using mesh = new TestMesh();
    const [good, bad] = [cannedServer(ok("good")), cannedServer(status("503 Service Unavailable"))];
    const servers = [await mesh.server("echo-1", good.port), await mesh.server("echo-2", bad.port)];
    const client = await clientOf(
      mesh,
      servers.map((each) => each.endpoint),
      { outlier: { consecutiveGatewayErrors: 3 } },
    );
    await statuses(client.port, 60);
    expect(await statuses(client.port, 60)).toEqual(Array.from({ length: 60 }, () => 200));
    const seen = await figures(client.proxy);
    const reason = "consecutive_gateway_errors";
    expect(seen.of(`weft_endpoint_ejections_total{reason="${reason}"}`)).toBe(1);
    expect(seen.of("weft_endpoints_ejected")).toBe(1);
    expect(await configOf(client.proxy)).toMatch(/"ejectedForMs":[1-9]/);
    good.stop();
    bad.stop();
  });

  test("never takes the last one out", async () => {
    await using mesh = new TestMesh();
    const bad = cannedServer(status("503 Service Unavailable"));
    const client = await clientOf(mesh, [(await mesh.server("echo-1", bad.port)).endpoint]);
    expect(new Set(await statuses(client.port, 20))).toEqual(new Set([503]));
    expect((await figures(client.proxy)).of("weft_endpoints_ejected")).toBe(0);
    bad.stop();
  });

  test("reads the status of a call from its trailers", async () => {
    await using mesh = new TestMesh();
    const apps = ["0", "14"].map(
      (code) =>
        new Http2Server((request) =>
          request.answer(
            [
              [":status", "200"],
              ["content-type", "application/grpc"],
            ],
            "",
            [["grpc-status", code]],
          ),
        ),
    );
    const endpoints = [];
    for (const [index, app] of apps.entries()) {
      endpoints.push((await mesh.server(`echo-${index}`, app.port, Protocol.GRPC)).endpoint);
    }
    const client = await clientOf(mesh, endpoints, { protocol: Protocol.GRPC }, Protocol.GRPC);
    const caller = await Http2Client.connect(client.port);
    const call = async (): Promise<string | undefined> => {
      const fields = [
        ["content-type", "application/grpc"],
        ["te", "trailers"],
      ] as const;
      const answer = await caller.post("/shop.Cart/Get", "", fields).ended();
      return answer.trailers?.get("grpc-status") ?? answer.head?.get("grpc-status");
    };
    for (let i = 0; i < 60; i++) await call();
    for (let i = 0; i < 20; i++) expect(await call()).toBe("0");
    const reason = "consecutive_gateway_errors";
    const seen = await figures(client.proxy);
    expect(seen.of(`weft_endpoint_ejections_total{reason="${reason}"}`)).toBe(1);
    caller.close();
    for (const app of apps) app.stop();
  });

  test("counts what breaks off, and what is silent for longer than the route allows", async () => {
    await using mesh = new TestMesh();
    const good = cannedServer(ok("good"));
    const server = await mesh.server("echo-1", good.port);
    const silent = rawServer(() => {});
    const other = await mesh.server("echo-2", silent.port);
    const endpoints = [server.endpoint, other.endpoint];
    const cluster = "default/echo:80";
    const http = {
      entries: [{ rule: 0, match: {} }],
      rules: [{ requestTimeoutMs: 30, backends: [{ cluster, weight: 1 }] }],
    };
    const client = await mesh.client(
      endpoints,
      { http },
      {
        change: (each) => ({
          ...each,
          clusters: [
            create(ClusterSchema, {
              namespace: "default",
              service: "echo",
              port: 80,
              outlier: { consecutiveLocalFailures: 2 },
            }),
          ],
        }),
      },
    );
    await eventually(async () => {
      await statuses(client.port, 2);
      return (await figures(client.proxy)).of("weft_endpoints_ejected") === 1;
    }, "the silent one is out");
    expect(new Set(await statuses(client.port, 20))).toEqual(new Set([200]));
    const seen = await figures(client.proxy);
    expect(seen.of('weft_endpoint_ejections_total{reason="consecutive_local_failures"}')).toBe(1);
    good.stop();
    silent.stop();
  });
});

describe("health checks", () => {
  test("go through the hop, take an endpoint out, and bring it back", async () => {
    await using mesh = new TestMesh();
    let isHealthy = false;
    let checks = 0;
    const sick = rawServer((peer) => {
      const isCheck = peer.received.startsWith("GET /healthz ");
      peer.received = "";
      if (isCheck) checks++;
      peer.socket.write(isCheck && !isHealthy ? status("500 Internal Server Error") : ok("sick"));
    });
    const good = cannedServer(ok("good"));
    const servers = [await mesh.server("echo-1", good.port), await mesh.server("echo-2", sick.port)];
    const client = await clientOf(
      mesh,
      servers.map((each) => each.endpoint),
      {
        healthCheck: {
          probe: { case: "http", value: { path: "/healthz" } },
          intervalMs: 20,
          healthyThreshold: 1,
          unhealthyThreshold: 2,
        },
      },
    );
    const unhealthy = async (): Promise<number> =>
      (await figures(client.proxy)).of("weft_endpoints_probed_unhealthy");
    await eventually(async () => (await unhealthy()) === 1, "it is found out");
    expect(checks).toBeGreaterThan(1);
    const peer = await RawClient.connect(client.port);
    for (let i = 0; i < 20; i++) {
      peer.write(get);
      expect((await peer.response()).body).toBe("good");
    }
    expect(await configOf(client.proxy)).toContain('"probedUnhealthy":true');
    isHealthy = true;
    await eventually(async () => (await unhealthy()) === 0, "it is back");
    const seen = await figures(client.proxy);
    expect(seen.of('weft_health_checks_total{result="failed"}')).toBeGreaterThan(1);
    expect(seen.of('weft_health_checks_total{result="passed"}')).toBeGreaterThan(1);
    good.stop();
    sick.stop();
  });

  test("of TCP tell a dead application behind a live peer", async () => {
    await using mesh = new TestMesh();
    const app = rawServer(() => {});
    const [alive, dead] = [
      await mesh.server("echo-1", app.port, Protocol.TCP),
      await mesh.server("echo-2", 1, Protocol.TCP),
    ];
    const client = await clientOf(
      mesh,
      [alive.endpoint, dead.endpoint],
      {
        healthCheck: {
          probe: { case: "tcp", value: {} },
          intervalMs: 20,
          timeoutMs: 300,
          unhealthyThreshold: 2,
        },
      },
      Protocol.TCP,
    );
    await eventually(async () => {
      const text = await configOf(client.proxy);
      return /default\/echo-2[^}]*"probedUnhealthy":true/.test(text);
    }, "the dead one is found out");
    expect(await configOf(client.proxy)).toMatch(/default\/echo-1[^}]*"probedUnhealthy":false/);
    app.stop();
  });

  test("end with the cluster", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(ok("good"));
    const server = await mesh.server("echo-1", app.port);
    const client = await clientOf(mesh, [server.endpoint], {
      healthCheck: { probe: { case: "http", value: {} }, intervalMs: 20 },
    });
    await eventually(() => app.connections.length > 0, "the first check");
    client.agent.configure({ mesh: mesh.mesh });
    await eventually(
      () => client.proxy.metricsText().includes("weft_endpoints_probed_unhealthy 0"),
      "the end",
    );
    const passed = async (): Promise<number> =>
      (await figures(client.proxy)).of('weft_health_checks_total{result="passed"}');
    const before = await passed();
    await Bun.sleep(100);
    expect(await passed()).toBe(before);
    app.stop();
  });
});

describe("limits of a service", () => {
  test("requests beyond the bound in flight are refused at once, tried nowhere else, and let in again", async () => {
    await using mesh = new TestMesh();
    const held: (() => void)[] = [];
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("\r\n\r\n")) return;
      peer.received = "";
      held.push(() => void peer.socket.write(ok("late")));
    });
    const servers = [await mesh.server("echo-1", app.port), await mesh.server("echo-2", app.port)];
    const client = await clientOf(
      mesh,
      servers.map((each) => each.endpoint),
      { connections: { maxRequests: 2 } },
    );
    const busy = [await RawClient.connect(client.port), await RawClient.connect(client.port)];
    for (const peer of busy) peer.write(get);
    await eventually(() => held.length === 2, "both are under way");
    expect(await statuses(client.port, 3)).toEqual([503, 503, 503]);
    expect(held).toHaveLength(2);
    const seen = await figures(client.proxy);
    expect(seen.of('weft_cluster_limit_reached_total{limit="requests"}')).toBe(3);
    expect(seen.text).not.toContain("weft_retries_total{");
    for (const finish of held.splice(0)) finish();
    for (const peer of busy) expect((await peer.response()).body).toBe("late");
    busy[0]?.write(get);
    await eventually(() => held.length === 1, "there is room again");
    held[0]?.();
    await busy[0]?.response();
    app.stop();
  });

  test("a client that leaves gives its place back", async () => {
    await using mesh = new TestMesh();
    let requests = 0;
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("\r\n\r\n")) return;
      peer.received = "";
      if (requests++ > 0) peer.socket.write(ok("good"));
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await clientOf(mesh, [server.endpoint], { connections: { maxRequests: 1 } });
    const leaver = await RawClient.connect(client.port);
    leaver.write(get);
    await eventually(() => requests === 1, "it is under way");
    leaver.terminate();
    await eventually(async () => (await statuses(client.port, 1))[0] === 200, "its place");
    app.stop();
  });

  test("TCP connections beyond the bound are reset, and let in when another ends", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const servers = [
      await mesh.server("echo-1", app.port, Protocol.TCP),
      await mesh.server("echo-2", app.port, Protocol.TCP),
    ];
    const client = await clientOf(
      mesh,
      servers.map((each) => each.endpoint),
      { connections: { maxConnections: 1 } },
      Protocol.TCP,
    );
    const first = await RawClient.connect(client.port);
    first.write("hello");
    await first.until("hello");
    const second = await RawClient.connect(client.port);
    second.write("hello");
    expect(await second.toEnd()).toBe("");
    expect((await figures(client.proxy)).of('weft_cluster_limit_reached_total{limit="connections"}')).toBe(1);
    first.terminate();
    await eventually(async () => {
      const next = await RawClient.connect(client.port);
      next.write("again");
      return await next.until("again").then(
        () => true,
        () => false,
      );
    }, "its place");
    app.stop();
  });

  test("TCP connections beyond one endpoint's bound go to another", async () => {
    await using mesh = new TestMesh();
    const apps = ["one", "two"].map((name) =>
      rawServer((peer) => peer.socket.write(name), { onOpen: (peer) => peer.socket.write(name) }),
    );
    const endpoints = [];
    for (const [index, app] of apps.entries()) {
      endpoints.push((await mesh.server(`echo-${index}`, app.port, Protocol.TCP)).endpoint);
    }
    const policy = { connections: {}, maxConnectionsPerEndpoint: 1 };
    const client = await clientOf(mesh, endpoints, policy, Protocol.TCP);
    const [a, b] = [await RawClient.connect(client.port), await RawClient.connect(client.port)];
    const greetings = [(await a.bytes(3)).toString(), (await b.bytes(3)).toString()];
    expect(greetings.toSorted()).toEqual(["one", "two"]);
    const third = await RawClient.connect(client.port);
    expect(await third.toEnd()).toBe("");
    for (const app of apps) app.stop();
  });

  test("a TCP session that carries nothing ends after the service's own time", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const policy = { connections: { tcpIdleTimeoutMs: 50 } };
    const client = await clientOf(mesh, [server.endpoint], policy, Protocol.TCP);
    const peer = await RawClient.connect(client.port);
    peer.write("hello");
    await peer.until("hello");
    expect(await peer.toEnd()).toBe("");
    expect((await figures(client.proxy)).of('weft_limit_reached_total{limit="tcp_idle_timeout"}')).toBe(1);
    app.stop();
  });

  test("over the limit that is learned, the least important requests are refused first", async () => {
    await using mesh = new TestMesh();
    let held = 0;
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("\r\n\r\n")) return;
      peer.received = "";
      held++;
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await clientOf(mesh, [server.endpoint], {
      concurrency: { min: 10, max: 10, priorityHeader: "X-Priority" },
    });
    const send = async (priority: string): Promise<RawClient> => {
      const peer = await RawClient.connect(client.port);
      peer.write(`GET / HTTP/1.1\r\nhost: echo\r\nx-priority: ${priority}\r\n\r\n`);
      return peer;
    };
    const fill = async (priority: string, until: number): Promise<void> => {
      while (held < until) {
        const before = held;
        await send(priority);
        await eventually(() => held > before, `request ${before + 1} of ${priority} is let in`);
      }
    };
    const refused = async (priority: string): Promise<number> =>
      (await (await send(priority)).response()).status;
    await fill("sheddable", 8);
    expect(await refused("sheddable")).toBe(503);
    await fill("default", 10);
    expect(await refused("default")).toBe(503);
    await fill("critical", 11);
    expect(await refused("critical")).toBe(503);
    expect(held).toBe(11);
    expect((await figures(client.proxy)).text).toContain('reason="overloaded"');
    app.stop();
  });
});
