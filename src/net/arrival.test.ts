/** Listeners that look at the client's hello first: nothing that was read is lost, and refusals say what they are. */
import { afterEach, describe, expect, test } from "bun:test";
import type { ReasonCode } from "../kernel/index.ts";
import type { TlsDecision } from "./arrival.ts";
import type { ClientHello } from "./client-hello-body.ts";
import { connect } from "./connect.ts";
import { Connection } from "./connection.ts";
import { type Listener, type ListenOptions, listen } from "./listen.ts";
import { makeRoot, meshClient, openServer } from "./testdata/certificates.ts";
import { helloMessage, inRecords } from "./testdata/hellos.ts";
import { connected, RecordingSink, text } from "./testdata/peers.ts";

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
    const server = serve(() => ({ kind: "passthrough" }), { handshakeTimeoutMs: 30 });
    const { client, sink } = await dial(server.listener);
    client.write(hello.subarray(0, -1));
    expect(await server.refused).toBe("tls_handshake_failed");
    await sink.until(() => sink.events.length > 0, "the end");
    expect(server.listener.connections).toBe(0);
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
