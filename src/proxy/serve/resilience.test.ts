/** Outlier detection and health checks through two sidecars, over real sockets. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { BalancingAlgorithm, ClusterSchema, Protocol } from "../../model/index.ts";
import { eventually } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { clientOf, configOf, figures, get, ok, status, statuses } from "../testing/policy-client.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

/** By latency one of two might see none of a few requests. */
const inTurn = { algorithm: BalancingAlgorithm.ROUND_ROBIN };

describe("outlier detection", () => {
  test("takes an endpoint out that answers 503, counts it and shows it", async () => {
    await using mesh = new TestMesh();
    const [good, bad] = [cannedServer(ok("good")), cannedServer(status("503 Service Unavailable"))];
    const servers = [await mesh.server("echo-1", good.port), await mesh.server("echo-2", bad.port)];
    const client = await clientOf(
      mesh,
      servers.map((each) => each.endpoint),
      { balancing: inTurn, outlier: { consecutiveGatewayErrors: 3 } },
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
    const client = await clientOf(
      mesh,
      endpoints,
      { balancing: inTurn, protocol: Protocol.GRPC },
      Protocol.GRPC,
    );
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
      rules: [{ requestTimeoutMs: 500, backends: [{ cluster, weight: 1 }] }],
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
              balancing: inTurn,
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
