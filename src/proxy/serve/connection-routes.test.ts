/** Connections of the local application to a service with TCPRoutes or TLSRoutes. */
import { expect, test } from "bun:test";
import { connect } from "node:tls";
import { Protocol } from "../../model/index.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const source = { kind: "TLSRoute", namespace: "default", name: "by-name" };

/** Behind default/echo:80 stands a server that says "one", behind default/other:80 one that says "two". */
async function twoServices(mesh: TestMesh) {
  const one = rawServer((peer, chunk) => peer.socket.write(`one ${chunk.length}\n`));
  const two = rawServer((peer, chunk) => peer.socket.write(`two ${chunk.length}\n`));
  const first = await mesh.server("echo-1", one.port, Protocol.UNSPECIFIED);
  const second = await mesh.server("other-1", two.port, Protocol.UNSPECIFIED);
  return {
    endpoints: [first.endpoint, { ...second.endpoint, cluster: "default/other:80" }],
    stop: () => {
      one.stop();
      two.stop();
    },
  };
}

test("a TCPRoute sends connections where its weights say, and nobody waits for their bytes", async () => {
  await using mesh = new TestMesh();
  const servers = await twoServices(mesh);
  const client = await mesh.client(servers.endpoints, {
    protocol: Protocol.HTTP,
    connections: {
      entries: [{ rule: 0 }],
      rules: [
        {
          source: { ...source, kind: "TCPRoute", name: "split" },
          backends: [
            { cluster: "default/echo:80", weight: 0 },
            { cluster: "default/other:80", weight: 1 },
          ],
        },
      ],
    },
  });
  const peer = await RawClient.connect(client.port);
  // The route makes raw TCP of a port that declares HTTP.
  peer.write("no HTTP");
  await peer.until("two 7\n");
  peer.shutdown();
  servers.stop();
  peer.terminate();
  await eventually(
    async () => (await scrape(client.proxy)).includes('http_route="default/split"'),
    "counted",
  );
});

test("the share of a backend that does not resolve is refused", async () => {
  await using mesh = new TestMesh();
  const servers = await twoServices(mesh);
  const client = await mesh.client(servers.endpoints, {
    connections: {
      entries: [{ rule: 0 }],
      rules: [{ source, backends: [{ weight: 1, unresolved: "Service default/gone does not exist" }] }],
    },
  });
  const peer = await RawClient.connect(client.port);
  expect(await peer.toEnd()).toBe("");
  expect(await scrape(client.proxy)).toContain('error_type="backend_unresolved"');
  servers.stop();
});

const byName = {
  protocol: Protocol.TLS,
  connections: {
    entries: [
      { hostnames: ["a.example.com"], rule: 0 },
      { hostnames: ["*.example.com"], rule: 1 },
    ],
    rules: [
      { source, backends: [{ cluster: "default/echo:80", weight: 1 }] },
      { source, backends: [{ cluster: "default/other:80", weight: 1 }] },
    ],
  },
};

/** What a TLS client says first. */
async function helloFor(servername: string): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const server = rawServer((peer, chunk) => {
    resolve(Uint8Array.from(chunk));
    peer.socket.terminate();
  });
  const client = connect({ port: server.port, host: "127.0.0.1", servername });
  client.on("error", () => {});
  const hello = await promise;
  server.stop();
  return hello;
}

test.each([
  ["A.example.com", "one"],
  ["b.example.com", "two"],
])("a TLSRoute tells %s by its server name, however the hello is cut", async (name, server) => {
  await using mesh = new TestMesh();
  const servers = await twoServices(mesh);
  const client = await mesh.client(servers.endpoints, byName);
  const hello = await helloFor(name);
  const peer = await RawClient.connect(client.port);
  peer.write(hello.subarray(0, 40));
  await Bun.sleep(2);
  peer.write(hello.subarray(40));
  // All of it arrives there, as it was sent.
  await peer.until(`${server} ${hello.length}\n`);
  peer.terminate();
  servers.stop();
});

test("a server name that no TLSRoute has is answered with unrecognized_name", async () => {
  await using mesh = new TestMesh();
  const servers = await twoServices(mesh);
  const client = await mesh.client(servers.endpoints, byName);
  const peer = await RawClient.connect(client.port);
  peer.write(await helloFor("other.org"));
  expect([...Buffer.from(await peer.toEnd(), "latin1")]).toEqual([21, 3, 3, 0, 2, 2, 112]);
  expect(await scrape(client.proxy)).toContain('error_type="no_route"');
  servers.stop();
});

test("what is no TLS is refused where a TLSRoute is attached", async () => {
  await using mesh = new TestMesh();
  const servers = await twoServices(mesh);
  const client = await mesh.client(servers.endpoints, byName);
  const peer = await RawClient.connect(client.port);
  peer.write("GET / HTTP/1.1\r\nhost: a.example.com\r\n\r\n");
  expect(await peer.toEnd()).toBe("");
  expect(await scrape(client.proxy)).toContain('error_type="protocol_mismatch"');
  servers.stop();
});
