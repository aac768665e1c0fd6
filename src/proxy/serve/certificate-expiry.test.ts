/** A proxy whose own certificate is expired takes nobody and dials nobody, and says so. */
import { expect, test } from "bun:test";
import { connect, Connection, type ConnectFailure, meshServerName } from "../../net/index.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { cannedServer, RawClient } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

async function get(port: number): Promise<number> {
  const peer = await RawClient.connect(port);
  peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
  return (await peer.response()).status;
}

test("an expired certificate is neither shown nor dialled with, until there is a new one", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const server = await mesh.server("echo-1", app.port);
  const client = await mesh.client([server.endpoint]);
  client.agent.status = { ...client.agent.status, certificateNotAfterMs: Date.now() - 1 };
  expect(await get(client.port)).toBe(503);
  expect(await scrape(client.proxy)).toContain(
    'weft_upstream_connect_failures_total{reason="certificate_expired"}',
  );
  expect(app.connections.length).toBe(0);
  client.agent.status = { ...client.agent.status, certificateNotAfterMs: Date.now() + 60_000 };
  expect(await get(client.port)).toBe(200);

  server.agent.status = { ...server.agent.status, certificateNotAfterMs: Date.now() - 1 };
  const { trustRootsPem } = mesh.authority;
  const identity = mesh.authority.issue("web");
  const tls = {
    identity,
    trustRootsPem,
    serverName: meshServerName,
    alpn: ["weft/1"],
    verifyPeer: () => undefined,
  };
  const refused = await new Promise<Connection | ConnectFailure>((resolve) => {
    connect({ address: "127.0.0.1", port: server.endpoint.tunnelPort, timeoutMs: 2_000, tls }, resolve);
  });
  expect(refused).not.toBeInstanceOf(Connection);
  expect(await scrape(server.proxy)).toContain('listener="inbound",reason="certificate_expired"} 1');
  app.stop();
});

test("connections that were opened before are ended within a second or so, and what they carry with them", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const server = await mesh.server("echo-1", app.port);
  const client = await mesh.client([server.endpoint]);
  expect(await get(client.port)).toBe(200);
  client.agent.status = { ...client.agent.status, certificateNotAfterMs: Date.now() - 1 };
  await eventually(async () => (await get(client.port)) === 503, "the connection in the pool is gone");
  app.stop();
});
