/** A whole proxy: what it announces and shows, how its start fails, how it drains. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { VirtualClock, WeftError } from "../kernel/index.ts";
import { Health, MeshSchema } from "../model/index.ts";
import { eventually } from "./testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "./testing/raw-peer.ts";
import { TestMesh } from "./testing/test-mesh.ts";

const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

describe("a running proxy", () => {
  test("announces where it was bound and shows what runs, without keys", async () => {
    await using mesh = new TestMesh();
    const server = await mesh.server("echo-1", 8080);
    expect(server.agent.announced).toEqual({ address: "127.0.0.1", port: server.endpoint.tunnelPort });
    const client = await mesh.client([server.endpoint]);
    const admin = `http://127.0.0.1:${client.proxy.bound.admin.port}`;
    const page = await (await fetch(`${admin}/config`)).text();
    expect(JSON.parse(page)).toMatchObject({
      revision: 1,
      identity: mesh.authority.identity("web"),
      clusters: [{ key: "default/echo:80", endpoints: [{ workload: "default/echo-1" }] }],
    });
    expect(page).not.toContain("PRIVATE KEY");
    expect((await fetch(`${admin}/healthz/ready`)).status).toBe(200);
    const health = await fetch(`http://127.0.0.1:${client.proxy.bound.health.port}/healthz/ready`);
    expect(health.status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${client.proxy.bound.health.port}/config`)).status).toBe(404);
    expect((await fetch(`${admin}/config`, { method: "POST" })).status).toBe(405);
  });

  test("tells when its configuration was put in force", async () => {
    await using mesh = new TestMesh();
    const clock = new VirtualClock();
    const { proxy, agent } = await mesh.client([], {}, { clock });
    const appliedAt = (): string | undefined =>
      /^weft_config_applied_seconds (.+)$/m.exec(proxy.metricsText())?.[1];
    expect(appliedAt()).toBe(String(clock.nowMs() / 1_000));
    clock.advance(2_500);
    agent.configure({ mesh: mesh.mesh, revision: 2 });
    const changedAt = String(clock.nowMs() / 1_000);
    clock.advance(1_000);
    expect(appliedAt()).toBe(changedAt);
  });

  test("is not ready without configuration", async () => {
    await using mesh = new TestMesh();
    const { proxy, agent } = await mesh.client([]);
    agent.status = { ...agent.status, isReady: false };
    const response = await fetch(`http://127.0.0.1:${proxy.bound.health.port}/healthz/ready`);
    expect([response.status, await response.text()]).toEqual([
      503,
      "not ready: no certificate or configuration yet\n",
    ]);
  });

  test("a taken port stops the start with one clear error and leaves nothing open", async () => {
    await using mesh = new TestMesh();
    const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const bootstrap = mesh.bootstrap("web", "web");
    const agent = mesh.agent("web", { mesh: mesh.mesh });
    const started = mesh.run({ ...bootstrap, tunnel: { address: "127.0.0.1", port: holder.port } }, agent);
    const error = await started.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WeftError);
    expect(error instanceof WeftError ? error.code : "").toBe("address_in_use");
    holder.stop(true);
  });

  test("writes a line of the access log where the mesh asks for it", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const bootstrap = mesh.bootstrap("web", "web");
    const upstream = { address: "127.0.0.1", port: 0, service: "default/echo", servicePort: 80 };
    const logged = create(MeshSchema, { ...mesh.mesh, accessLog: true });
    const source = { kind: "HTTPRoute", namespace: "default", name: "split", section: "canary" };
    const http = {
      entries: [{ rule: 0 }],
      rules: [{ source, backends: [{ cluster: "default/echo:80", weight: 1 }] }],
    };
    const configuration = mesh.clientConfiguration([server.endpoint], { http });
    const agent = mesh.agent("web", { ...configuration, mesh: logged });
    const proxy = await mesh.run(
      { ...bootstrap, capture: { kind: "explicit", outbound: [upstream] } },
      agent,
    );
    const peer = await RawClient.connect(proxy.bound.outbound[0]?.port ?? 0);
    peer.write("GET /a?token=secret HTTP/1.1\r\nhost: echo\r\nuser-agent: t\r\n\r\n");
    await peer.response();
    const read = (): string => readFileSync(bootstrap.accessLogFile ?? "", "utf8");
    await eventually(() => read().endsWith("\n"), "the line");
    expect(JSON.parse(read())).toMatchObject({
      direction: "outbound",
      method: "GET",
      path: "/a",
      status: 200,
      destination_workload: "default/echo-1",
      route: "default/split",
      rule: "canary",
      attempts: 1,
      response_bytes: 5,
      mtls: true,
    });
    expect(read()).not.toContain("secret");
    app.stop();
  });
});

describe("draining", () => {
  test("finishes what is in flight, takes nothing new, closes what is idle, then leaves", async () => {
    await using mesh = new TestMesh();
    const app = rawServer(() => {});
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const idle = await RawClient.connect(client.port);
    const busy = await RawClient.connect(client.port);
    busy.write(get);
    await eventually(() => app.connections[0]?.received.includes("\r\n\r\n") === true, "the request arrives");
    const drained = client.proxy.drain();
    expect(client.proxy.drain()).toBe(drained);
    await expect(RawClient.connect(client.port)).rejects.toThrow();
    const ready = await fetch(`http://127.0.0.1:${client.proxy.bound.health.port}/healthz/ready`);
    expect(ready.status).toBe(503);
    expect(await idle.toEnd()).toBe("");
    app.connections[0]?.socket.write(hello);
    const response = await busy.response();
    expect(response.head.toLowerCase()).toContain("connection: close");
    expect(response.body).toBe("hello");
    await drained;
    expect(client.agent.hasLeft).toBe(true);
    app.stop();
  });

  test("ends what does not finish when the time is up", async () => {
    await using mesh = new TestMesh();
    const app = rawServer(() => {});
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    client.agent.configure({
      ...mesh.clientConfiguration([server.endpoint]),
      mesh: create(MeshSchema, { ...mesh.mesh, drainTimeoutMs: 200 }),
    });
    const busy = await RawClient.connect(client.port);
    busy.write(get);
    await eventually(() => app.connections.length === 1, "the request arrives");
    await client.proxy.drain();
    expect(await busy.toEnd()).toBe("");
    await eventually(() => app.connections[0]?.socket.readyState !== 1, "the application's side is closed");
    app.stop();
  });

  test("a peer that has not heard of it yet is served on new connections, for a moment", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const peers = await Promise.all([1, 2].map(() => mesh.client([server.endpoint])));
    const [first, second] = await Promise.all(peers.map(({ port }) => RawClient.connect(port)));
    const ask = async (client: RawClient | undefined): Promise<number | undefined> => {
      client?.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nhi");
      return (await client?.response())?.status;
    };
    expect(await ask(first)).toBe(200);
    const drained = server.proxy.drain();
    for (const client of [second, first, second, first]) expect(await ask(client)).toBe(200);
    await drained;
    expect(await ask(second)).toBe(503);
    app.stop();
  });

  test("no request is lost while one of two servers is told to leave", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const servers = [await mesh.server("echo-1", app.port), await mesh.server("echo-2", app.port)];
    const endpoints = servers.map((server) => server.endpoint);
    const client = await mesh.client(endpoints);
    const peer = await RawClient.connect(client.port);
    const drained = servers[0]?.proxy.drain();
    for (let i = 0; i < 300; i++) {
      // What the control plane does a moment after it was told.
      if (i === 100) {
        const draining = endpoints.map((endpoint, at) =>
          at === 0 ? { ...endpoint, health: Health.DRAINING } : endpoint,
        );
        client.agent.configure(mesh.clientConfiguration(draining));
      }
      peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nhi");
      expect((await peer.response()).status).toBe(200);
    }
    await drained;
    app.stop();
  });
});
