/** Who gets in and who does not, on both sides of a handshake. Nothing wrong may get a byte through. */
import { afterEach, describe, expect, test } from "bun:test";
import type { ReasonCode } from "../kernel/index.ts";
import type { TlsDecision } from "./arrival.ts";
import { type ConnectFailure, connect } from "./connect.ts";
import { Connection } from "./connection.ts";
import { type Listener, type ListenOptions, listen } from "./listen.ts";
import {
  type LeafOptions,
  makeRoot,
  meshClient,
  meshServer,
  openServer,
  testUri,
} from "./testdata/certificates.ts";
import { ample, connected, RecordingSink, text } from "./testdata/peers.ts";
import type { ClientTls, ServerTls } from "./tls.ts";

const root = makeRoot("root");
const otherRoot = makeRoot("other");
const good = root.issue();
const dayMs = 86_400_000;
const expired: LeafOptions = { notBeforeMs: Date.now() - 2 * dayMs, notAfterMs: Date.now() - dayMs };
const future: LeafOptions = { notBeforeMs: Date.now() + dayMs, notAfterMs: Date.now() + 2 * dayMs };

const listeners: Listener[] = [];
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.closeAll();
});

/** How a server takes connections: TLS from the start, or after a look at the client's hello. */
type Way = "TLS listener" | "inspector";

interface Outcome {
  readonly listener: Listener;
  readonly refusals: ReasonCode[];
  /** Bytes that a server's sink was given. */
  readonly bytes: string[];
  readonly accepted: Connection[];
  readonly refused: Promise<ReasonCode>;
}

function serve(way: Way, tls: () => ServerTls, options: Partial<ListenOptions> = {}): Outcome {
  const refusals: ReasonCode[] = [];
  const bytes: string[] = [];
  const accepted: Connection[] = [];
  let refuse: (reason: ReasonCode) => void = () => {};
  const refused = new Promise<ReasonCode>((resolve) => {
    refuse = resolve;
  });
  const onHandshakeFailed = (reason: ReasonCode): void => {
    refusals.push(reason);
    refuse(reason);
  };
  const onConnection = (connection: Connection): void => {
    accepted.push(connection);
    connection.sink = {
      onData: (chunk) => {
        bytes.push(Buffer.from(chunk).toString());
        connection.write(chunk);
      },
      onDrain() {},
      onEnd: () => connection.shutdown(),
      onClose() {},
    };
  };
  const inspect = (): TlsDecision => ({ kind: "terminate", tls: tls() });
  const listener = listen({
    ...options,
    tls: way === "TLS listener" ? tls : { inspect },
    onHandshakeFailed,
    onConnection,
  });
  listeners.push(listener);
  return { listener, refusals, bytes, accepted, refused };
}

function dial(listener: Listener, tls: ClientTls): Promise<Connection | ConnectFailure> {
  return connected({ address: "127.0.0.1", port: listener.port, timeoutMs: 3_000, tls });
}

/** A client that a server refuses may think for a moment that it is in: TLS 1.3 tells it late. It never gets a byte. */
async function expectShutOut(client: Connection | ConnectFailure): Promise<void> {
  if (!(client instanceof Connection)) return;
  const sink = new RecordingSink();
  client.sink = sink;
  client.write(text("hello"));
  await sink.until(() => sink.events.length > 0, "being shut out");
  expect(sink.bytes).toBe(0);
  client.terminate();
}

for (const way of ["TLS listener", "inspector"] as const) {
  describe(way, () => {
    test("peers that prove themselves get in, with ALPN and identity", async () => {
      const server = serve(way, () => meshServer(good, { alpn: ["h2", "weft/1"] }));
      const client = await dial(server.listener, meshClient(good, root.pem));
      if (!(client instanceof Connection)) throw new Error(client.detail);
      const sink = new RecordingSink();
      client.sink = sink;
      client.write(text("hello"));
      await sink.received("hello");
      expect(client.alpn).toBe("weft/1");
      expect(client.peer?.uriSans).toEqual([testUri]);
      expect(server.accepted[0]?.alpn).toBe("weft/1");
      expect(server.accepted[0]?.peer?.uriSans).toEqual([testUri]);
      expect(Math.abs((client.peer?.notAfterMs ?? 0) - Date.now() - dayMs)).toBeLessThan(60_000);
      client.terminate();
    });

    test.each<[string, () => ClientTls, boolean]>([
      ["good", () => meshClient(good, root.pem), true],
      ["absent", () => meshClient(undefined, root.pem), false],
      ["of another root", () => meshClient(otherRoot.issue(), root.pem), false],
      ["expired", () => meshClient(root.issue(expired), root.pem), false],
    ])("a server that asks and does not insist lets a certificate in that is %s", async (_, tls, isSeen) => {
      const server = serve(way, () => ({
        identity: good,
        alpn: ["weft/1"],
        clientCertificate: "unverified",
      }));
      const client = await dial(server.listener, tls());
      if (!(client instanceof Connection)) throw new Error(client.detail);
      const sink = new RecordingSink();
      client.sink = sink;
      client.write(text("hello"));
      await sink.received("hello");
      expect(server.accepted[0]?.peer !== undefined).toBe(isSeen);
      client.terminate();
    });

    test.each<[string, () => ClientTls, ReasonCode]>([
      ["without certificate", () => meshClient(undefined, root.pem), "mtls_required"],
      ["of another root", () => meshClient(otherRoot.issue(), root.pem), "peer_untrusted"],
      ["expired", () => meshClient(root.issue(expired), root.pem), "peer_untrusted"],
      ["not valid yet", () => meshClient(root.issue(future), root.pem), "peer_untrusted"],
      [
        "with another identity",
        () => meshClient(root.issue({ uris: [`${testUri}2`] }), root.pem),
        "peer_identity_invalid",
      ],
      ["without identity", () => meshClient(root.issue({ uris: [] }), root.pem), "peer_identity_invalid"],
      [
        "with two identities",
        () => meshClient(root.issue({ uris: [testUri, testUri] }), root.pem),
        "peer_identity_invalid",
      ],
      [
        "without a common ALPN protocol",
        () => ({ ...meshClient(good, root.pem), alpn: ["x"] }),
        "tls_handshake_failed",
      ],
    ])("a client %s is refused", async (_name, tls, reason) => {
      const server = serve(way, () => meshServer(good));
      const client = await dial(server.listener, tls());
      await expectShutOut(client);
      expect(await server.refused).toBe(reason);
      expect(server.refusals).toEqual([reason]);
      expect(server.bytes).toEqual([]);
      expect(server.accepted).toEqual([]);
    });

    test("a plaintext client is refused", async () => {
      const server = serve(way, () => meshServer(good));
      const client = await connected({ address: "127.0.0.1", port: server.listener.port, timeoutMs: 3_000 });
      if (!(client instanceof Connection)) throw new Error(client.detail);
      client.sink = new RecordingSink();
      client.write(text("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
      expect(await server.refused).toBe(way === "TLS listener" ? "mtls_required" : "tls_handshake_failed");
      expect(server.bytes).toEqual([]);
    });

    test("a silent client is refused after the handshake timeout", async () => {
      const server = serve(way, () => meshServer(good), {
        bounds: () => ({ ...ample, handshakeTimeoutMs: 30 }),
      });
      const client = await connected({ address: "127.0.0.1", port: server.listener.port, timeoutMs: 3_000 });
      if (!(client instanceof Connection)) throw new Error(client.detail);
      const sink = new RecordingSink();
      client.sink = sink;
      expect(await server.refused).toBe("tls_handshake_failed");
      await sink.until(() => sink.events.length > 0, "the end");
    });

    test("handshakes beyond the bound are reset, and the bound is freed", async () => {
      const server = serve(way, () => meshServer(good), {
        bounds: () => ({ ...ample, maxHandshakes: 1 }),
      });
      const address = { address: "127.0.0.1", port: server.listener.port, timeoutMs: 3_000 };
      const silent = await connected(address);
      if (!(silent instanceof Connection)) throw new Error(silent.detail);
      silent.sink = new RecordingSink();
      while (server.listener.connections === 0) await Bun.sleep(1);
      const second = await dial(server.listener, meshClient(good, root.pem));
      expect(second).not.toBeInstanceOf(Connection);
      expect(server.refusals).toEqual(["overloaded"]);
      silent.terminate();
      while (server.refusals.length < 2) await Bun.sleep(1);
      const third = await dial(server.listener, meshClient(good, root.pem));
      expect(third).toBeInstanceOf(Connection);
    });

    test("each connection gets the identity of its time", async () => {
      let identity = root.issue();
      const server = serve(way, () => meshServer(identity));
      const clients: Connection[] = [];
      for (let round = 0; round < 3; round++) {
        const client = await dial(server.listener, meshClient(good, root.pem));
        if (!(client instanceof Connection)) throw new Error(client.detail);
        clients.push(client);
        identity = root.issue();
      }
      const seen = new Set(clients.map((client) => Buffer.from(client.peer?.der ?? []).toString("hex")));
      expect(seen.size).toBe(3);
      for (const client of clients) {
        const sink = new RecordingSink();
        client.sink = sink;
        client.write(text("still here"));
        await sink.received("still here");
        client.terminate();
      }
    });
  });
}

describe("a client", () => {
  test.each<[string, LeafOptions, ReasonCode, boolean]>([
    ["of another root", {}, "upstream_tls_failed", true],
    ["expired", expired, "upstream_tls_failed", false],
    ["of another name", { dns: "other.internal" }, "upstream_tls_failed", false],
    ["with another identity", { uris: [`${testUri}2`] }, "upstream_identity_mismatch", false],
    ["without identity", { uris: [] }, "upstream_identity_mismatch", false],
  ])("refuses a server %s", async (_name, leaf, reason, isOtherRoot) => {
    const identity = { ...(isOtherRoot ? otherRoot : root).issue(leaf), trustRootsPem: root.pem };
    const server = serve("TLS listener", () => meshServer(identity));
    const client = await dial(server.listener, meshClient(good, root.pem));
    expect(client).toMatchObject({ reason });
    expect(server.bytes).toEqual([]);
  });

  test("refuses a server that speaks no TLS", async () => {
    const listener = listen({ onConnection: (connection) => void connection.write(text("220 hello\r\n")) });
    listeners.push(listener);
    expect(await dial(listener, meshClient(good, root.pem))).toMatchObject({ reason: "upstream_tls_failed" });
  });

  test("gives up on a server that never answers the handshake", async () => {
    const listener = listen({ onConnection() {} });
    listeners.push(listener);
    const options = {
      address: "127.0.0.1",
      port: listener.port,
      timeoutMs: 30,
      tls: meshClient(good, root.pem),
    };
    expect(await connected(options)).toMatchObject({ reason: "upstream_connect_timeout" });
  });

  test("hears of settings that cannot be read", async () => {
    const listener = listen({ onConnection() {} });
    listeners.push(listener);
    const identity = { ...good, privateKeyPem: "no key" };
    expect(await dial(listener, meshClient(identity, root.pem))).toMatchObject({
      reason: "upstream_tls_failed",
    });
  });
});

describe("client certificates", () => {
  test("optional: none is let in without peer, a good one with it, a bad one is refused", async () => {
    const server = serve("TLS listener", () => meshServer(good, { clientCertificate: "optional" }));
    for (const [identity, uris] of [
      [undefined, undefined],
      [good, [testUri]],
    ] as const) {
      const client = await dial(server.listener, meshClient(identity, root.pem));
      if (!(client instanceof Connection)) throw new Error(client.detail);
      const sink = new RecordingSink();
      client.sink = sink;
      client.write(text("x"));
      await sink.received("x");
      expect(server.accepted.at(-1)?.peer?.uriSans).toEqual(uris);
      client.terminate();
    }
    await expectShutOut(await dial(server.listener, meshClient(otherRoot.issue(), root.pem)));
    expect(await server.refused).toBe("peer_untrusted");
  });

  test("none: nobody is asked", async () => {
    const server = serve("TLS listener", () => openServer(good));
    const client = await dial(server.listener, meshClient(undefined, root.pem));
    expect(client).toBeInstanceOf(Connection);
  });

  test.each<[string, ServerTls, string, boolean]>([
    ["is refused", meshServer(good), "ECDHE-ECDSA-AES128-GCM-SHA256", false],
    [
      "is let in where the server says so",
      openServer(good, { minVersion: "1.2" }),
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      true,
    ],
    ["may choose ChaCha20", openServer(good, { minVersion: "1.2" }), "ECDHE-ECDSA-CHACHA20-POLY1305", true],
    ["is refused with CBC", openServer(good, { minVersion: "1.2" }), "ECDHE-ECDSA-AES128-SHA", false],
    [
      "may have a client certificate",
      meshServer(good, { minVersion: "1.2" }),
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      true,
    ],
  ])("TLS 1.2 %s", async (_name, serverTls, ciphers, isLetIn) => {
    const server = serve("TLS listener", () => serverTls);
    const tls = {
      ca: root.pem,
      serverName: "peer.weft.internal",
      key: good.privateKeyPem,
      cert: good.certChainPem,
      maxVersion: 0x0303,
      ciphers,
    };
    const done = Promise.withResolvers<boolean>();
    await Bun.connect({
      hostname: "127.0.0.1",
      port: server.listener.port,
      tls,
      socket: { data() {}, handshake: (_socket, ok) => done.resolve(ok) },
    });
    expect(await done.promise).toBe(isLetIn);
    if (!isLetIn) expect(await server.refused).toBe("tls_handshake_failed");
  });

  test("nothing starts while the environment turns verification off", () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      expect(() => listen({ tls: meshServer(good), onConnection() {} })).toThrow(
        "NODE_TLS_REJECT_UNAUTHORIZED",
      );
      const options = { address: "127.0.0.1", port: 1, timeoutMs: 1, tls: meshClient(good, root.pem) };
      expect(() => connect(options, () => {})).toThrow("NODE_TLS_REJECT_UNAUTHORIZED");
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  test.each<[string, ServerTls, boolean]>([
    ["verified", meshServer(good), false],
    ["verified if they show a certificate", meshServer(good, { clientCertificate: "optional" }), false],
    ["open", openServer(good), false],
    ["open and resumable", openServer(good, { resumption: true }), true],
  ])(
    "sessions cannot be resumed unless that is asked for and skips no check: %s",
    async (_name, tls, expected) => {
      const server = serve("TLS listener", () => tls);
      const ticket = Promise.withResolvers<boolean>();
      await Bun.connect({
        hostname: "127.0.0.1",
        port: server.listener.port,
        tls: {
          ca: root.pem,
          serverName: "peer.weft.internal",
          key: good.privateKeyPem,
          cert: good.certChainPem,
        },
        socket: {
          handshake: (socket) => void socket.write("x"),
          data: (socket) => ticket.resolve(socket.getTLSTicket() !== undefined),
        },
      });
      // That a ticket comes where it may shows that the test can see one.
      expect(await ticket.promise).toBe(expected);
    },
  );
});
