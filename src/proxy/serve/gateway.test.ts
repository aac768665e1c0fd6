/** A gateway in front of a sidecar: virtual hosts, listeners that follow the configuration, Unix sockets. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { GatewaySchema, Protocol } from "../../model/index.ts";
import type { ProxyBootstrap } from "../bootstrap.ts";
import { eventually, freePort, scrape } from "../testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

function toEcho(port: number, hostname = "*"): MessageInitShape<typeof GatewaySchema> {
  return {
    source: { kind: "Gateway", namespace: "default", name: "edge" },
    listeners: [
      {
        name: `port-${port}`,
        port,
        protocol: Protocol.HTTP,
        virtualHosts: [
          {
            hostname,
            http: {
              entries: [{ match: {}, rule: 0 }],
              rules: [{ backends: [{ cluster: "default/echo:80", weight: 1 }] }],
            },
          },
        ],
      },
    ],
  };
}

function gatewayBootstrap(mesh: TestMesh, gateway: ProxyBootstrap["gateway"]): ProxyBootstrap {
  return {
    ...mesh.bootstrap("edge", "edge"),
    role: "gateway",
    ...(gateway === undefined ? {} : { gateway }),
  };
}

describe("the gateway", () => {
  test("routes by virtual host into the mesh and tells the application where it came from", async () => {
    await using mesh = new TestMesh();
    let seen = "";
    const app = rawServer((peer) => {
      seen = peer.received;
      peer.received = "";
      peer.socket.write(hello);
    });
    const server = await mesh.server("echo-1", app.port);
    const port = freePort();
    const agent = mesh.agent("edge", {
      ...mesh.clientConfiguration([server.endpoint]),
      gateways: [create(GatewaySchema, toEcho(port, "shop.example.com"))],
    });
    await mesh.run(gatewayBootstrap(mesh, { kind: "tcp", address: "127.0.0.1" }), agent);
    const peer = await RawClient.connect(port);
    peer.write(
      "GET / HTTP/1.1\r\nhost: shop.example.com\r\nx-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: https\r\n\r\n",
    );
    expect((await peer.response()).body).toBe("hello");
    expect(seen).toContain("x-forwarded-for: 127.0.0.1\r\n");
    expect(seen).toContain("x-forwarded-proto: http\r\n");
    expect(seen).not.toContain("https");
    expect(seen).toContain(`URI=${mesh.authority.identity("edge")}`);
    peer.write("GET / HTTP/1.1\r\nhost: other.example.com\r\n\r\n");
    expect((await peer.response()).status).toBe(404);
    expect(agent.telemetry?.take()?.edges.map((edge) => [edge.responseClass, edge.reason])).toEqual([
      ["2xx", ""],
      ["4xx", "no_route"],
    ]);
    app.stop();
  });

  test("keeps a listener and its connections across a change, opens new ones, closes old ones", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const [first, second] = [freePort(), freePort()];
    const configuration = mesh.clientConfiguration([server.endpoint]);
    const withPorts = (...ports: number[]) => ({
      ...configuration,
      gateways: ports.map((port) => create(GatewaySchema, toEcho(port))),
    });
    const agent = mesh.agent("edge", withPorts(first));
    const proxy = await mesh.run(gatewayBootstrap(mesh, { kind: "tcp", address: "127.0.0.1" }), agent);
    const peer = await RawClient.connect(first);
    const get = async (client: RawClient): Promise<number> => {
      client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      return (await client.response()).status;
    };
    expect(await get(peer)).toBe(200);
    agent.configure(withPorts(first, second));
    expect(await get(peer)).toBe(200);
    expect(await get(await RawClient.connect(second))).toBe(200);
    agent.configure(withPorts(second));
    await expect(RawClient.connect(first)).rejects.toThrow();
    expect(proxy.gatewayAddresses().map((where) => where.port)).toEqual([second]);
    expect(await get(await RawClient.connect(second))).toBe(200);
    app.stop();
  });

  test("a port that is taken is reported, the others serve, and it opens when it is free", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const other = freePort();
    const agent = mesh.agent("edge", {
      ...mesh.clientConfiguration([server.endpoint]),
      gateways: [holder.port, other].map((port) => create(GatewaySchema, toEcho(port))),
    });
    const proxy = await mesh.run(gatewayBootstrap(mesh, { kind: "tcp", address: "127.0.0.1" }), agent);
    expect(proxy.gatewayAddresses().map((where) => where.port)).toEqual([other]);
    const page = await fetch(`http://127.0.0.1:${proxy.bound.admin.port}/config`);
    expect(await page.text()).toContain("the address is in use");
    const port = holder.port;
    holder.stop(true);
    await eventually(() => proxy.gatewayAddresses().length === 2, "the port is opened");
    expect((await RawClient.connect(port)) instanceof RawClient).toBe(true);
    app.stop();
  }, 60_000);

  test("serves on a Unix socket in the place of an address, for whoever relays it", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const directory = join(mkdtempSync(join(tmpdir(), "weft-gw-")), "host");
    const agent = mesh.agent("edge", {
      ...mesh.clientConfiguration([server.endpoint]),
      gateways: [create(GatewaySchema, toEcho(80))],
    });
    const proxy = await mesh.run(
      gatewayBootstrap(mesh, { kind: "unix", directory, address: "127.0.0.1", port: 8080 }),
      agent,
    );
    const path = join(directory, "127.0.0.1:8080.sock");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const response = await fetch("http://shop/", { unix: path });
    expect(await response.text()).toBe("hello");
    proxy.close();
    expect(existsSync(path)).toBe(false);
    app.stop();
  });

  test("shows the labels of a Gateway's infrastructure as those of a metric", async () => {
    await using mesh = new TestMesh();
    const gateway = { ...toEcho(freePort()), labels: { "app.kubernetes.io/name": "edge" } };
    const agent = mesh.agent("edge", { mesh: mesh.mesh, gateways: [create(GatewaySchema, gateway)] });
    const proxy = await mesh.run(gatewayBootstrap(mesh, { kind: "tcp", address: "127.0.0.1" }), agent);
    expect(proxy.metricsText()).toContain(
      'weft_gateway_info{namespace="default",name="edge",label_app_kubernetes_io_name="edge"} 1\n',
    );
  });

  test("malformed requests are refused and counted", async () => {
    await using mesh = new TestMesh();
    const port = freePort();
    const agent = mesh.agent("edge", { mesh: mesh.mesh, gateways: [create(GatewaySchema, toEcho(port))] });
    const proxy = await mesh.run(gatewayBootstrap(mesh, { kind: "tcp", address: "127.0.0.1" }), agent);
    const peer = await RawClient.connect(port);
    peer.write("GET / HTTP/1.1\nhost: a\n\n");
    expect(await peer.toEnd()).toStartWith("HTTP/1.1 400 ");
    expect(await scrape(proxy)).toContain('error_type="malformed_request"');
  });
});
