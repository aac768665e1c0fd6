/** TLS to endpoints that no tunnel leads to: what is verified, what is agreed on, what becomes of the rest. */
import { expect, test } from "bun:test";
import { once } from "node:events";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { connect as connectTls, createServer } from "node:tls";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  Health,
  InboundSchema,
  Protocol,
  Tunnel,
  type UpstreamTlsSchema,
} from "../../model/index.ts";
import { BackendRoot } from "../testing/backend-root.ts";
import { scrape } from "../testing/eventually.ts";
import { Http2Client } from "../testing/http2-peer.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

type Tls = MessageInitShape<typeof UpstreamTlsSchema>;

const day = 86_400_000;
const root = new BackendRoot("backends");
const leaf = root.issue({ dns: "shop.example.com", uris: ["spiffe://other.org/shop"] });
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

/** Answers every chunk with the server name and protocol that its client asked for. */
function tlsApp(identity = leaf, ALPNProtocols: string[] = ["http/1.1"]) {
  const { certChainPem: cert, privateKeyPem: key } = identity;
  const server = createServer({ cert, key, ALPNProtocols }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      const body = `${socket.servername} ${socket.alpnProtocol}`;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  return server;
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

function endpointAt(port: number): Endpoint {
  return create(EndpointSchema, {
    cluster: "default/echo:80",
    workload: "default/backend",
    address: "127.0.0.1",
    port,
    tunnel: Tunnel.NONE,
    weight: 1,
    health: Health.HEALTHY,
  });
}

async function sidecar(mesh: TestMesh, port: number, tls: Tls, protocol = Protocol.HTTP) {
  return mesh.client(
    [endpointAt(port)],
    { protocol },
    {
      change: (configuration) => ({
        ...configuration,
        clusters: [
          create(ClusterSchema, {
            namespace: "default",
            service: "echo",
            port: 80,
            protocol,
            connectTimeoutMs: 1_000,
            tls,
          }),
        ],
      }),
    },
  );
}

async function ask(port: number) {
  const peer = await RawClient.connect(port);
  peer.write(get);
  const response = await peer.response();
  peer.terminate();
  return response;
}

const good: Tls = { hostname: "shop.example.com", caPem: root.pem };

test("a request goes over TLS, with the hostname as server name and HTTP/1.1 agreed on", async () => {
  await using mesh = new TestMesh();
  const app = tlsApp(leaf, ["h2", "http/1.1"]);
  const client = await sidecar(mesh, portOf(app), good);
  expect((await ask(client.port)).body).toBe("shop.example.com http/1.1");
  app.close();
});

const stranger = new BackendRoot("stranger");
const expired = { notBeforeMs: Date.now() - 3 * day, notAfterMs: Date.now() - 2 * day };
const uri = (value: string) => ({ name: { case: "uri" as const, value } });
const dns = (value: string) => ({ name: { case: "dns" as const, value } });
const named = { ...good, hostname: "front.example.com" };

test.each<[what: string, tls: Tls, identity: typeof leaf]>([
  ["another name", { ...good, hostname: "other.example.com" }, leaf],
  ["another authority", { ...good, caPem: stranger.pem }, leaf],
  ["a certificate that has expired", good, root.issue({ dns: "shop.example.com", ...expired })],
  ["the machine's authorities only", { hostname: "shop.example.com", systemRoots: true }, leaf],
  ["none of the names", { ...named, subjectAltNames: [dns("b.example.com"), uri("spiffe://x/y")] }, leaf],
  // The hostname authenticates nobody where there are names.
  ["the hostname where names are wanted", { ...good, subjectAltNames: [dns("b.example.com")] }, leaf],
  [
    "the names, from another authority",
    { ...named, caPem: stranger.pem, subjectAltNames: [dns("shop.example.com")] },
    leaf,
  ],
  [
    "the names, expired",
    { ...named, subjectAltNames: [dns("shop.example.com")] },
    root.issue({ dns: "shop.example.com", ...expired }),
  ],
])("%s: 502 and a reason", async (_what, tls, identity) => {
  await using mesh = new TestMesh();
  const app = tlsApp(identity);
  const client = await sidecar(mesh, portOf(app), tls);
  expect((await ask(client.port)).status).toBe(502);
  expect(await scrape(client.proxy)).toContain('error_type="backend_tls_failed"');
  app.close();
});

test.each<[what: string, names: Tls["subjectAltNames"], identity: typeof leaf]>([
  ["a DNS name", [dns("b.example.com"), dns("shop.example.com")], leaf],
  ["a URI", [uri("spiffe://other.org/shop")], leaf],
  ["a name that a wildcard covers", [dns("a.example.com")], root.issue({ dns: "*.Example.com" })],
])("%s among the subject alternative names is enough", async (_what, subjectAltNames, identity) => {
  await using mesh = new TestMesh();
  const app = tlsApp(identity);
  const client = await sidecar(mesh, portOf(app), { ...named, subjectAltNames: subjectAltNames ?? [] });
  // The hostname stays what is asked for.
  expect((await ask(client.port)).body).toBe("front.example.com http/1.1");
  app.close();
});

test("a star stands for one label", async () => {
  await using mesh = new TestMesh();
  const app = tlsApp(root.issue({ dns: "*.example.com" }));
  const client = await sidecar(mesh, portOf(app), { ...named, subjectAltNames: [dns("a.b.example.com")] });
  expect((await ask(client.port)).status).toBe(502);
  app.close();
});

test("a broken reference refuses every request", async () => {
  await using mesh = new TestMesh();
  const app = tlsApp();
  const client = await sidecar(mesh, portOf(app), {
    ...good,
    invalid: "ConfigMap default/ca does not exist",
  });
  expect((await ask(client.port)).status).toBe(502);
  app.close();
});

test("an endpoint in plaintext gets no byte of the request", async () => {
  await using mesh = new TestMesh();
  const app = rawServer((peer) => peer.socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const client = await sidecar(mesh, app.port, good);
  expect((await ask(client.port)).status).toBe(502);
  expect(app.connections[0]?.received ?? "").not.toContain("GET");
  app.stop();
});

test("HTTP/2 is agreed on by ALPN", async () => {
  await using mesh = new TestMesh();
  const app = createSecureServer({ cert: leaf.certChainPem, key: leaf.privateKeyPem });
  app.on("request", (_request, response) => response.end("over h2"));
  app.listen(0, "127.0.0.1");
  const client = await sidecar(mesh, portOf(app), good, Protocol.HTTP2);
  const peer = await Http2Client.connect(client.port);
  const answer = await peer.get("/").ended();
  expect([answer.status, answer.body]).toEqual([200, "over h2"]);
  app.close();
});

test("a server that does not agree to HTTP/2 is told apart from one that fails", async () => {
  await using mesh = new TestMesh();
  const app = tlsApp(leaf, ["http/1.1"]);
  const client = await sidecar(mesh, portOf(app), good, Protocol.HTTP2);
  const peer = await Http2Client.connect(client.port);
  expect((await peer.get("/").ended()).status).toBe(502);
  app.close();
});

test("bytes of a client that speaks TLS itself are left alone", async () => {
  await using mesh = new TestMesh();
  const app = rawServer((peer) => peer.socket.write("as it came"));
  const client = await sidecar(mesh, app.port, good, Protocol.TLS);
  const peer = await RawClient.connect(client.port);
  peer.write("\x16\x03\x01 the application's own");
  await peer.until("as it came");
  peer.terminate();
  app.stop();
});

test("the proxy in front of an application speaks TLS to it behind the tunnel, for requests only", async () => {
  await using mesh = new TestMesh();
  const app = tlsApp();
  const port = portOf(app);
  const server = await mesh.server("echo-1", port);
  const inbound = create(InboundSchema, {
    workload: "default/echo-1",
    identity: mesh.authority.identity("echo"),
    ports: [{ port, protocol: Protocol.HTTP, services: ["default/echo"], tls: good }],
  });
  server.agent.configure({ mesh: mesh.mesh, inbound, addresses: ["127.0.0.1"] });
  const client = await mesh.client([server.endpoint]);
  expect((await ask(client.port)).body).toBe("shop.example.com http/1.1");

  const raw = await mesh.client([server.endpoint], { protocol: Protocol.TLS });
  const end = connectTls({ port: raw.port, host: "127.0.0.1", ca: root.pem, servername: "shop.example.com" });
  end.write("the client's own TLS");
  const [answer]: unknown[] = await once(end, "data");
  expect(String(answer)).toContain("shop.example.com");
  end.destroy();

  // What is open already asks for the new name too.
  const strict = create(InboundSchema, {
    workload: "default/echo-1",
    ports: [{ port, protocol: Protocol.HTTP, tls: { ...good, hostname: "other.example.com" } }],
  });
  server.agent.configure({ mesh: mesh.mesh, inbound: strict, addresses: ["127.0.0.1"] });
  expect((await ask(client.port)).status).not.toBe(200);
  app.close();
});

test("a changed policy is used by the next request", async () => {
  await using mesh = new TestMesh();
  const app = tlsApp();
  const client = await sidecar(mesh, portOf(app), { ...good, hostname: "other.example.com" });
  expect((await ask(client.port)).status).toBe(502);
  const { agent } = client;
  const cluster = { namespace: "default", service: "echo", port: 80, protocol: Protocol.HTTP, tls: good };
  agent.configure({
    ...mesh.clientConfiguration([endpointAt(portOf(app))], {}),
    clusters: [create(ClusterSchema, cluster)],
  });
  expect((await ask(client.port)).status).toBe(200);
  app.close();
});
