/** Listeners that look at the client's hello first: nothing that was read is lost, and refusals say what they are. */
import { afterEach, describe, expect, test } from "bun:test";
import { type ReasonCode, VirtualClock } from "../kernel/index.ts";
import type { TlsDecision } from "./arrival.ts";
import type { ClientHello } from "./client-hello-body.ts";
import { connect } from "./connect.ts";
import { Connection } from "./connection.ts";
import { encodeProxyHeader } from "./encode-proxy-header.ts";
import { type Listener, type ListenOptions, listen } from "./listen.ts";
import { makeRoot, meshClient, openServer } from "./testdata/certificates.ts";
import { helloMessage, inRecords } from "./testdata/hellos.ts";
import { ample, connected, RecordingSink, text } from "./testdata/peers.ts";

const root = makeRoot("root");
const identity = root.issue();
const listeners: Listener[] = [];
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.closeAll();
});

interface Server {
  readonly listener: Listener;
  readonly hellos: ClientHello[];
  readonly accepted: Connection[];
  readonly sink: RecordingSink;
  readonly refused: Promise<ReasonCode>;
}

function serve(decide: (hello: ClientHello) => TlsDecision, options: Partial<ListenOptions> = {}): Server {
  const hellos: ClientHello[] = [];
  const accepted: Connection[] = [];
  const sink = new RecordingSink();
  const refused = Promise.withResolvers<ReasonCode>();
  const listener = listen({
    ...options,
    tls: {
      inspect(hello) {
        hellos.push(hello);
        return decide(hello);
      },
    },
    onConnection(connection) {
      accepted.push(connection);
      connection.sink = sink;
    },
    onHandshakeFailed: refused.resolve,
  });
  listeners.push(listener);
  return { listener, hellos, accepted, sink, refused: refused.promise };
}

async function dial(listener: Listener): Promise<{ client: Connection; sink: RecordingSink }> {
  const client = await connected({ address: "127.0.0.1", port: listener.port, timeoutMs: 3_000 });
  if (!(client instanceof Connection)) throw new Error(client.detail);
  const sink = new RecordingSink();
  client.sink = sink;
  return { client, sink };
}

const hello = inRecords(helloMessage(), 100);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe("pass through", () => {
  test("delivers the hello and what came behind it first, and the client's name", async () => {
    const server = serve(() => ({ kind: "passthrough" }));
    const { client, sink } = await dial(server.listener);
    client.write(hello.subarray(0, 7));
    client.flush();
    while (server.listener.connections === 0) await Bun.sleep(1);
    client.write(hello.subarray(7));
    client.write(text("behind"));
    await server.sink.received(`${hex(hello)}behind`);
    client.write(text(" and later"));
    await server.sink.received(`${hex(hello)}behind and later`);
    expect(server.accepted[0]?.serverName).toBe("web.example.com");
    expect(server.accepted[0]?.alpn).toBeUndefined();
    server.accepted[0]?.write(text("answer"));
    await sink.received("answer");
    client.shutdown();
    await server.sink.event("end");
  });

  test("waits for whoever sets a sink later", async () => {
    const accepted = Promise.withResolvers<Connection>();
    const listener = listen({
      tls: { inspect: () => ({ kind: "passthrough" }) },
      onConnection: accepted.resolve,
    });
    listeners.push(listener);
    const { client } = await dial(listener);
    client.write(hello);
    client.shutdown();
    const connection = await accepted.promise;
    const sink = new RecordingSink();
    connection.sink = sink;
    await sink.received(hex(hello));
    await sink.event("end");
  });

  test("joins a client with the TLS server behind it", async () => {
    const backend = listen({
      tls: openServer(identity),
      onConnection(connection) {
        connection.sink = {
          onData: (chunk) => void connection.write(chunk),
          onDrain() {},
          onEnd: () => connection.shutdown(),
          onClose() {},
        };
      },
    });
    const listener = listen({
      tls: { inspect: () => ({ kind: "passthrough" }) },
      onConnection(connection) {
        connect({ address: "127.0.0.1", port: backend.port, timeoutMs: 3_000 }, (upstream) => {
          if (!(upstream instanceof Connection)) throw new Error(upstream.detail);
          const sinkTo = (peer: Connection) => ({
            onData: (chunk: Uint8Array) => void peer.write(chunk),
            onDrain() {},
            onEnd: () => peer.shutdown(),
            onClose() {},
          });
          upstream.sink = sinkTo(connection);
          connection.sink = sinkTo(upstream);
        });
      },
    });
    listeners.push(backend, listener);
    const tls = meshClient(undefined, root.pem);
    const client = await connected({ address: "127.0.0.1", port: listener.port, timeoutMs: 3_000, tls });
    if (!(client instanceof Connection)) throw new Error(client.detail);
    const sink = new RecordingSink();
    client.sink = sink;
    client.write(text("through"));
    await sink.received("through");
    client.terminate();
  });
});

test("terminates with what the decision says, the client's name at hand", async () => {
  const server = serve((seen) => ({
    kind: "terminate",
    tls: openServer(identity, { alpn: seen.serverName === "peer.weft.internal" ? ["weft/1"] : [] }),
  }));
  const tls = meshClient(undefined, root.pem);
  const client = await connected({ address: "127.0.0.1", port: server.listener.port, timeoutMs: 3_000, tls });
  if (!(client instanceof Connection)) throw new Error(client.detail);
  client.sink = new RecordingSink();
  client.write(text("hi"));
  await server.sink.received("hi");
  expect(client.alpn).toBe("weft/1");
  expect(server.accepted[0]?.serverName).toBe("peer.weft.internal");
  expect(server.accepted[0]?.remotePort).toBe(client.localPort);
  expect(server.hellos).toMatchObject([{ alpn: ["weft/1"], offersTls13: true }]);
  client.terminate();
});

describe("refuses", () => {
  test.each<[string, Uint8Array, ReasonCode, string]>([
    ["an unknown name", hello, "no_route", "\x15\x03\x03\0\x02\x02\x70"],
    ["by policy", hello, "draining", "\x15\x03\x03\0\x02\x02\x31"],
    [
      "a malformed hello",
      Uint8Array.of(22, 3, 1, 0, 0),
      "tls_handshake_failed",
      "\x15\x03\x03\0\x02\x02\x0a",
    ],
    ["another protocol", text("GET / HTTP/1.1\r\n\r\n"), "tls_handshake_failed", ""],
  ])("%s, and says so", async (_name, bytes, reason, answer) => {
    const server = serve(() => ({ kind: "refuse", reason }));
    const { client, sink } = await dial(server.listener);
    client.write(bytes);
    expect(await server.refused).toBe(reason);
    await sink.event("end");
    expect(sink.text).toBe(answer);
    client.shutdown();
    await sink.event("close ended");
    expect(server.accepted).toEqual([]);
  });

  test("a hello that stays unfinished, in time", async () => {
    const server = serve(() => ({ kind: "passthrough" }), {
      bounds: () => ({ ...ample, handshakeTimeoutMs: 30 }),
    });
    const { client, sink } = await dial(server.listener);
    client.write(hello.subarray(0, -1));
    expect(await server.refused).toBe("tls_handshake_failed");
    await sink.until(() => sink.events.length > 0, "the end");
    expect(server.listener.connections).toBe(0);
  });

  test("a hello of which one byte comes in a second, in the same time", async () => {
    const clock = new VirtualClock();
    const limits: string[] = [];
    const server = serve(() => ({ kind: "passthrough" }), {
      clock,
      bounds: () => ({ ...ample, handshakeTimeoutMs: 10_000 }),
      onLimit: (limit) => limits.push(limit),
    });
    const { client } = await dial(server.listener);
    while (server.listener.connections === 0) await Bun.sleep(1);
    for (let seconds = 0; seconds < 10; seconds++) {
      expect(limits).toEqual([]);
      client.write(hello.subarray(seconds, seconds + 1));
      await new Promise<void>((resolve) => void setImmediate(resolve));
      clock.advance(1_000);
    }
    expect(await server.refused).toBe("tls_handshake_failed");
    expect(limits).toEqual(["handshakeTimeout"]);
  });

  test("a client that leaves amid its hello", async () => {
    const server = serve(() => ({ kind: "passthrough" }));
    const { client } = await dial(server.listener);
    client.write(hello.subarray(0, -1));
    client.shutdown();
    expect(await server.refused).toBe("tls_handshake_failed");
  });

  test("nobody's connection where the decision throws: a defect", async () => {
    const defects: unknown[] = [];
    const decide = (): TlsDecision => {
      throw new Error("defect");
    };
    const server = serve(decide, { onDefect: (error) => defects.push(error) });
    const { client } = await dial(server.listener);
    client.write(hello);
    expect(await server.refused).toBe("tls_handshake_failed");
    expect(defects.map(String)).toEqual(["Error: defect"]);
  });
});

describe("PROXY header", () => {
  const header = text("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n");

  interface Proxied {
    readonly listener: Listener;
    readonly accepted: Promise<Connection>;
    readonly sink: RecordingSink;
    readonly failed: Promise<{ reason: ReasonCode; remoteAddress: string }>;
  }

  function serveProxied(options: Partial<ListenOptions> = {}): Proxied {
    const accepted = Promise.withResolvers<Connection>();
    const failed = Promise.withResolvers<{ reason: ReasonCode; remoteAddress: string }>();
    const sink = new RecordingSink();
    const listener = listen({
      ...options,
      proxyProtocol: "required",
      onConnection(connection) {
        connection.sink = sink;
        accepted.resolve(connection);
      },
      onHandshakeFailed: (reason, remoteAddress) => failed.resolve({ reason, remoteAddress }),
    });
    listeners.push(listener);
    return { listener, accepted: accepted.promise, sink, failed: failed.promise };
  }

  test("gives the connection its addresses; the client's bytes follow", async () => {
    const server = serveProxied();
    const { client } = await dial(server.listener);
    client.write(header);
    client.write(text("behind"));
    const connection = await server.accepted;
    await server.sink.received("behind");
    expect(connection).toMatchObject({
      remoteAddress: "192.0.2.7",
      remotePort: 4711,
      localAddress: "192.0.2.1",
      localPort: 443,
    });
    expect(connection.transport).toMatchObject({
      remoteAddress: "127.0.0.1",
      remotePort: client.localPort,
      localPort: server.listener.port,
    });
  });

  test("is enough: a server that speaks first need not wait for the client", async () => {
    const server = serveProxied();
    const { client, sink } = await dial(server.listener);
    client.write(encodeProxyHeader(2, { address: "2001:db8::1", port: 1 }, { address: "::1", port: 2 }));
    const connection = await server.accepted;
    connection.write(text("220 hello"));
    await sink.received("220 hello");
    expect(connection.remoteAddress).toBe("2001:db8::1");
  });

  test("of the load balancer's own connections leaves the socket's addresses", async () => {
    const server = serveProxied();
    const { client } = await dial(server.listener);
    client.write(text("PROXY UNKNOWN\r\n"));
    expect((await server.accepted).remotePort).toBe(client.localPort);
  });

  test.each<[string, NonNullable<ListenOptions["tls"]>]>([
    ["TLS", openServer(identity)],
    ["an inspector", { inspect: () => ({ kind: "terminate", tls: openServer(identity) }) }],
  ])("comes before %s", async (_name, tls) => {
    const server = serveProxied({ tls });
    const upstream = Promise.withResolvers<Connection>();
    const balancer = listen({
      onConnection(connection) {
        connection.pause();
        connect({ address: "127.0.0.1", port: server.listener.port, timeoutMs: 3_000 }, (result) => {
          if (!(result instanceof Connection)) throw new Error(result.detail);
          const sinkTo = (peer: Connection) => ({
            onData: (chunk: Uint8Array) => void peer.write(chunk),
            onDrain() {},
            onEnd: () => peer.shutdown(),
            onClose() {},
          });
          result.write(header);
          result.sink = sinkTo(connection);
          connection.sink = sinkTo(result);
          connection.resume();
          upstream.resolve(result);
        });
      },
    });
    listeners.push(balancer);
    const client = await connected({
      address: "127.0.0.1",
      port: balancer.port,
      timeoutMs: 3_000,
      tls: meshClient(undefined, root.pem),
    });
    if (!(client instanceof Connection)) throw new Error(client.detail);
    client.sink = new RecordingSink();
    client.write(text("secret"));
    await server.sink.received("secret");
    const connection = await server.accepted;
    expect(connection.remoteAddress).toBe("192.0.2.7");
    expect(connection.alpn).toBe("weft/1");
    expect(connection.transport.remotePort).toBe((await upstream.promise).localPort);
    client.terminate();
  });

  test.each([
    ["none", text("GET / HTTP/1.1\r\n\r\n")],
    ["a malformed one", text("PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n")],
  ])("refuses %s", async (_name, bytes) => {
    const server = serveProxied();
    const { client, sink } = await dial(server.listener);
    client.write(bytes);
    expect(await server.failed).toEqual({ reason: "proxy_protocol_malformed", remoteAddress: "127.0.0.1" });
    await sink.event("end");
    expect(sink.bytes).toBe(0);
  });

  test("must come in time", async () => {
    const server = serveProxied({ bounds: () => ({ ...ample, handshakeTimeoutMs: 30 }) });
    const { client } = await dial(server.listener);
    client.write(header.subarray(0, 20));
    expect((await server.failed).reason).toBe("proxy_protocol_malformed");
  });

  test("TLS that fails behind it is reported with the address that it said", async () => {
    const server = serveProxied({ tls: openServer(identity) });
    const { client } = await dial(server.listener);
    client.write(header);
    client.write(text("no TLS at all, and enough of it\r\n"));
    expect(await server.failed).toEqual({ reason: "tls_handshake_failed", remoteAddress: "192.0.2.7" });
  });
});
