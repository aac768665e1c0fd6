/** Who may speak to whom over the hop: identities, prefaces, rotation. Real TLS, hand-written peers. */
import { describe, expect, test } from "bun:test";
import { SessionProtocol } from "../../wire/index.ts";
import {
  type ConnectFailure,
  Connection,
  connect,
  meshServerName,
  type TlsIdentity,
} from "../../net/index.ts";
import { Tunnel } from "../../model/index.ts";
import { encodePreface, type HopTarget } from "../upstream/index.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { cannedServer, RawClient } from "../testing/raw-peer.ts";
import { TestAuthority } from "../testing/test-authority.ts";
import { TestMesh, type TestServer } from "../testing/test-mesh.ts";

const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

function dialTunnel(
  server: TestServer,
  tls: { identity?: TlsIdentity; roots: string; alpn?: string },
): Promise<Connection | ConnectFailure> {
  return new Promise((resolve) => {
    connect(
      {
        address: "127.0.0.1",
        port: server.endpoint.tunnelPort,
        timeoutMs: 2_000,
        tls: {
          identity: tls.identity,
          trustRootsPem: tls.roots,
          serverName: meshServerName,
          alpn: [tls.alpn ?? "weft/1"],
          verifyPeer: () => undefined,
        },
      },
      resolve,
    );
  });
}

/** What the peer sends until it ends, and how it ended. */
function drain(connection: Connection): Promise<{ text: string; cause: string }> {
  return new Promise((resolve) => {
    let text = "";
    connection.sink = {
      onData: (chunk) => {
        text += Buffer.from(chunk).toString("latin1");
      },
      onDrain() {},
      onEnd: () => connection.close(),
      onClose: (cause) => resolve({ text, cause }),
    };
  });
}

function target(server: TestServer, changes: Partial<HopTarget> = {}): HopTarget {
  const { address, port, identity, tunnelAddress, tunnelPort } = server.endpoint;
  return {
    address,
    port,
    identity,
    tunnel: Tunnel.WEFT,
    tunnelAddress,
    tunnelPort,
    service: "default/echo",
    ...changes,
  };
}

describe("the hop", () => {
  test("an endpoint that proves another identity than the service's is not spoken to", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([{ ...server.endpoint, identity: mesh.authority.identity("other") }]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(503);
    expect(await scrape(client.proxy)).toContain('error_type="upstream_identity_mismatch"');
    expect(app.connections.length).toBe(0);
    app.stop();
  });

  test("a peer of another mesh is refused and counted, without a byte for the application", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const rogue = new TestAuthority();
    const result = await dialTunnel(server, {
      identity: rogue.issue("web"),
      roots: mesh.authority.trustRootsPem,
    });
    if (result instanceof Connection) {
      const end = drain(result);
      result.write(encodePreface(target(server), SessionProtocol.HTTP1, "default/web"));
      result.write(Buffer.from(get));
      expect((await end).text).toBe("");
    }
    await eventually(
      async () =>
        /weft_connections_refused_total\{listener="inbound",reason="(peer_untrusted|tls_handshake_failed)"\} 1/.test(
          await scrape(server.proxy),
        ),
      "the refusal is counted",
    );
    expect(app.connections.length).toBe(0);
    app.stop();
  });

  test("a peer without a certificate is refused", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const result = await dialTunnel(server, { roots: mesh.authority.trustRootsPem });
    if (result instanceof Connection) {
      const end = drain(result);
      result.write(Buffer.from(get));
      expect((await end).text).toBe("");
    }
    await eventually(
      async () => /refused_total\{listener="inbound"/.test(await scrape(server.proxy)),
      "counted",
    );
    expect(app.connections.length).toBe(0);
    app.stop();
  });

  test("plaintext on the tunnel's port is refused", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const peer = await RawClient.connect(server.endpoint.tunnelPort);
    peer.write(get);
    expect(await peer.toEnd()).not.toContain("hello");
    await eventually(
      async () => /refused_total\{listener="inbound"/.test(await scrape(server.proxy)),
      "counted",
    );
    app.stop();
  });

  test.each([
    ["longer than allowed", Uint8Array.of(0xff, 0xff, 1, 2, 3)],
    ["no message", Uint8Array.of(0, 3, 0xff, 0xff, 0xff)],
    ["without a target", Uint8Array.of(0, 0)],
  ])("a preface that is %s ends the connection and is counted", async (_what, bytes) => {
    await using mesh = new TestMesh();
    const server = await mesh.server("echo-1", 1);
    const connection = await dialTunnel(server, {
      identity: mesh.authority.issue("web"),
      roots: mesh.authority.trustRootsPem,
    });
    if (!(connection instanceof Connection)) throw new Error(connection.detail);
    const end = drain(connection);
    connection.write(bytes);
    expect((await end).text).toBe("");
    expect(await scrape(server.proxy)).toContain(
      'refused_total{listener="inbound",reason="preface_malformed"} 1',
    );
  });

  test("a target that is not this workload's is handed back unprocessed", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const elsewhere = { ...server.endpoint, address: "10.77.9.9" };
    const client = await mesh.client([elsewhere]);
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(503);
    expect(await scrape(client.proxy)).toContain('error_type="target_unknown"');
    expect(app.connections.length).toBe(0);
    app.stop();
  });

  test("a preface that arrives byte by byte is read all the same", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const connection = await dialTunnel(server, {
      identity: mesh.authority.issue("web"),
      roots: mesh.authority.trustRootsPem,
    });
    if (!(connection instanceof Connection)) throw new Error(connection.detail);
    let text = "";
    connection.sink = {
      onData: (chunk) => {
        text += Buffer.from(chunk).toString("latin1");
      },
      onDrain() {},
      onEnd() {},
      onClose() {},
    };
    for (const byte of encodePreface(target(server), SessionProtocol.HTTP1, "default/web")) {
      connection.write(Uint8Array.of(byte));
      connection.flush();
      await Bun.sleep(0);
    }
    connection.write(Buffer.from(get));
    await eventually(() => text.endsWith("hello"), "the answer");
    connection.terminate();
    app.stop();
  });

  test("a peer cannot claim a workload of another namespace", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const connection = await dialTunnel(server, {
      identity: mesh.authority.issue("web"),
      roots: mesh.authority.trustRootsPem,
    });
    if (!(connection instanceof Connection)) throw new Error(connection.detail);
    connection.write(
      encodePreface(target(server, { service: "default/forged" }), SessionProtocol.HTTP1, "bank/vault"),
    );
    connection.write(Buffer.from(get));
    let text = "";
    connection.sink = {
      onData: (chunk) => {
        text += Buffer.from(chunk).toString("latin1");
      },
      onDrain() {},
      onEnd() {},
      onClose() {},
    };
    await eventually(() => text.endsWith("hello"), "the answer");
    const edge = server.agent.telemetry?.take()?.edges[0];
    expect([edge?.sourceWorkload, edge?.sourceIdentity, edge?.destinationService]).toEqual([
      "",
      mesh.authority.identity("web"),
      "default/echo",
    ]);
    connection.terminate();
    app.stop();
  });

  test("requests go on through a rotation of both sides' certificates, onto new connections", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const peer = await RawClient.connect(client.port);
    const accepted = async (): Promise<number> =>
      Number(/accepted_total\{listener="inbound"\} (\d+)/.exec(await scrape(server.proxy))?.[1] ?? 0);
    const request = async (): Promise<void> => {
      peer.write(get);
      expect((await peer.response()).status).toBe(200);
    };
    await request();
    expect(await accepted()).toBe(1);
    server.agent.rotate(mesh.authority.issue("echo"));
    client.agent.rotate(mesh.authority.issue("web"));
    await request();
    // The sweep comes every second.
    await eventually(async () => {
      await request();
      return (await accepted()) === 2;
    }, "a connection with the new certificate");
    app.stop();
  });
});
